/* JSON text straight from the model, for what is written often: a lab of a thousand VMs is two megabytes of
 * it, at each save. (Values that are read, changed or printed once are trees: json.h.)
 *
 * A zeroed struct is a new writer. Nothing here fails by itself: without memory `failed` is set and stays;
 * check it once, at the end. Text is one line without spaces; keys come out in the order they are written. */
#ifndef VNETLAB_JSON_WRITER_H
#define VNETLAB_JSON_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vnl_json_writer {
    char *text;  /* NOT terminated; owned, vnl_json_writer_done() */
    size_t size; /* bytes */
    size_t room;
    bool inside; /* a value stands before the next one, so that takes a comma */
    bool failed;
};

/* key: NULL for an element of an array and for a document. Keys are the program's own words and are not
 * escaped. */
void vnl_json_write_open(struct vnl_json_writer *out, const char *key, char bracket); /* '{' or '[' */
void vnl_json_write_close(struct vnl_json_writer *out, char bracket);                 /* '}' or ']' */
/* Like vnl_json_str(): text that is not UTF-8 (paths may be anything) is written with '?' for each byte above
 * ASCII. */
void vnl_json_write_text(struct vnl_json_writer *out, const char *key, const char *text);
void vnl_json_write_int(struct vnl_json_writer *out, const char *key, int64_t value);
void vnl_json_write_bool(struct vnl_json_writer *out, const char *key, bool value);

/* What comes next is a document of its own, behind the last one in the same text. Returns where it starts. */
size_t vnl_json_write_document(struct vnl_json_writer *out);

void vnl_json_writer_done(struct vnl_json_writer *out);

#endif
