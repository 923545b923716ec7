/* Messages of strongSwan's VICI protocol (its README.md, section "Message format"): sections, lists, and pairs of a key and a value, all
 * of them text. */
#ifndef VNETLAB_AGENT_VICI_MESSAGE_H
#define VNETLAB_AGENT_VICI_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VNL_VICI_NAME_MAX  255
#define VNL_VICI_DEPTH_MAX 16

/* --- writing: a zeroed struct is an empty message ----------------------------------------------------------------------- */

struct vnl_vici_message {
    uint8_t *bytes;
    size_t size, room;
    bool failed; /* no memory, or a name or value too long for the format; stays */
};

void vnl_vici_put(struct vnl_vici_message *message, const char *key, const char *value);
void vnl_vici_open(struct vnl_vici_message *message, const char *section);
void vnl_vici_close(struct vnl_vici_message *message);
void vnl_vici_put_list(struct vnl_vici_message *message, const char *name, const char *const *items,
                       size_t n);
/* Overwrites it first: a message may have held a key. */
void vnl_vici_message_done(struct vnl_vici_message *message);

/* --- reading ------------------------------------------------------------------------------------------------------------ */

enum vnl_vici_kind {
    VNL_VICI_SECTION_START = 1,
    VNL_VICI_SECTION_END,
    VNL_VICI_KEY_VALUE,
    VNL_VICI_LIST_START,
    VNL_VICI_LIST_ITEM,
    VNL_VICI_LIST_END,
    VNL_VICI_KIND_MAX
};

struct vnl_vici_element {
    enum vnl_vici_kind kind;
    unsigned depth; /* of the section that it stands in; a section's start and end are where the section is */
    char name[VNL_VICI_NAME_MAX + 1]; /* section, key, list; of an item its list's */
    const char *value;                /* borrowed from the message, not terminated */
    size_t value_size;
};

struct vnl_vici_reader {
    const uint8_t *at, *end;
    unsigned depth;
    bool in_list;
    char list[VNL_VICI_NAME_MAX + 1];
};

void vnl_vici_reader_init(struct vnl_vici_reader *reader, const void *bytes, size_t size);
/* 1, 0 at a well-formed end, -EBADMSG. Zero bytes in names end them. */
int vnl_vici_next(struct vnl_vici_reader *reader, struct vnl_vici_element *ret);

/* Is it this pair? */
bool vnl_vici_is(const struct vnl_vici_element *element, const char *key, const char *value);
/* The value as text, cut to the buffer. */
void vnl_vici_text(const struct vnl_vici_element *element, char *buf, size_t size);

#endif
