/* The command table: usage, --help, completion, man pages and docs/cli.md are printed from it. */
#ifndef VNETLAB_CMD_H
#define VNETLAB_CMD_H

#include <stdbool.h>
#include <stddef.h>

struct vnl_err;
struct vnl_json;

enum vnl_exit { VNL_EXIT_OK = 0, VNL_EXIT_NO = 1, VNL_EXIT_USAGE = 2, VNL_EXIT_SYSTEM = 3 };

#define CMD_ROOT   0x1u /* needs root: says so at once, with the command to type */
#define CMD_JSON   0x2u /* has -o text|json */
#define CMD_LAB    0x4u /* has -l LAB (default: the only running lab, or $VNETLAB_LAB) */
#define CMD_HIDDEN 0x8u /* not in help, manual and completion: for the build and the shells */

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
    const char *lab;           /* -l, or NULL */
    bool json;                 /* -o json */
    bool help;                 /* -h: the command is not run, nothing else was checked */
    const char *const *values; /* per option: its value, "" for a given flag, NULL when absent */
};

struct vnl_cmd {
    const char *name;
    const char *operands; /* "VM [-- COMMAND...]": [] optional, ... repeated; what was typed is checked */
    const char *summary;  /* one line, lower case, no full stop */
    unsigned flags;
    const struct vnl_opt *opts; /* ends with name NULL; may be NULL */
    const char *details;        /* paragraphs for --help and the man page */
    const char *examples;       /* lines "$ vnetlab ..." with the explanation behind "#"; may be NULL */
    int (*run)(const struct vnl_args *args, struct vnl_err **err); /* an exit code, or -errno with err */
};

extern const struct vnl_cmd vnl_cmds[];
extern const size_t vnl_n_cmds;

const struct vnl_cmd *vnl_cmd_lookup(const char *name); /* NULL: no such command */

/* The lab that a CMD_LAB command is about: -l, else $VNETLAB_LAB, else the only running one. The name is the
 * caller's. -ENOENT: no lab of that name (with the nearest), or none is running; -EINVAL: several are, the
 * error lists them. */
int vnl_cmd_pick_lab(const struct vnl_args *args, char **ret, struct vnl_err **err);

const char *vnl_version(void); /* "v1.2-3-gabcdef"; made by the Makefile */

#endif
