/* The command table: usage, --help, completion, man pages and docs/cli.md are printed from it. */
#ifndef VNETLAB_CMD_H
#define VNETLAB_CMD_H

#include <stdbool.h>
#include <stddef.h>

struct vnl_err;
struct vnl_json;

enum vnl_exit { VNL_EXIT_OK = 0, VNL_EXIT_NO = 1, VNL_EXIT_USAGE = 2, VNL_EXIT_SYSTEM = 3 };

#define CMD_ROOT 0x1u /* needs root: says so at once, with the command to type */
#define CMD_JSON 0x2u /* has -o text|json */
#define CMD_LAB  0x4u /* has -l LAB (default: the only running lab, or $VNETLAB_LAB) */

struct vnl_opt {
    const char *name;  /* "--wait" */
    const char *alias; /* "-w", or NULL */
    const char *value; /* "SECONDS", or NULL for a flag */
    const char *help;  /* one line */
};

/* Parsed command line of one command. */
struct vnl_args {
    const char *command;
    const char *const *operands; /* as declared by `operands`, NULL-terminated; counted by n_operands */
    size_t n_operands;
    const char *lab;             /* -l, or NULL */
    bool json;                   /* -o json */
    const char *const *values;   /* per option of the command: its value, "" for a given flag, NULL when absent */
};

struct vnl_cmd {
    const char *name;
    const char *operands;        /* "VM [-- COMMAND...]": [] optional, ... repeated; checked against what was typed */
    const char *summary;         /* one line, lower case, no full stop */
    unsigned flags;
    const struct vnl_opt *opts;  /* ends with name NULL; may be NULL */
    const char *details;         /* paragraphs for --help and the man page */
    const char *examples;        /* lines "$ vnetlab ..." with the explanation behind "#"; may be NULL */
    int (*run)(const struct vnl_args *args, struct vnl_err **err); /* an exit code, or -errno with err */
};

extern const struct vnl_cmd vnl_cmds[];
extern const size_t vnl_n_cmds;

#endif
