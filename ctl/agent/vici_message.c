#include "vici_message.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* --- writing -------------------------------------------------------------------------------------- */

static bool make_room(struct vnl_vici_message *message, size_t more)
{
    size_t room = message->room ? message->room : 256;
    uint8_t *bytes;

    while (room < message->size + more)
        room *= 2;
    if (room == message->room)
        return true;
    /* Not realloc: what it leaves behind may be a key. */
    bytes = malloc(room);
    if (!bytes)
        return false;
    if (message->size)
        memcpy(bytes, message->bytes, message->size);
    if (message->bytes)
        explicit_bzero(message->bytes, message->room);
    free(message->bytes);
    message->bytes = bytes;
    message->room = room;
    return true;
}

static void put_bytes(struct vnl_vici_message *message, const void *data, size_t size)
{
    if (message->failed || !make_room(message, size)) {
        message->failed = true;
        return;
    }
    if (size)
        memcpy(message->bytes + message->size, data, size);
    message->size += size;
}

static void put_byte(struct vnl_vici_message *message, unsigned value)
{
    uint8_t byte = (uint8_t)value;

    put_bytes(message, &byte, 1);
}

static void put_name(struct vnl_vici_message *message, enum vnl_vici_kind kind, const char *name)
{
    size_t len = strlen(name);

    message->failed |= len > VNL_VICI_NAME_MAX;
    put_byte(message, kind);
    put_byte(message, (unsigned)len);
    put_bytes(message, name, len);
}

static void put_value(struct vnl_vici_message *message, const char *value)
{
    size_t len = strlen(value);

    message->failed |= len > UINT16_MAX;
    put_byte(message, (unsigned)(len >> 8));
    put_byte(message, (unsigned)(len & 0xff));
    put_bytes(message, value, len);
}

void vnl_vici_put(struct vnl_vici_message *message, const char *key, const char *value)
{
    put_name(message, VNL_VICI_KEY_VALUE, key);
    put_value(message, value);
}

void vnl_vici_open(struct vnl_vici_message *message, const char *section)
{
    put_name(message, VNL_VICI_SECTION_START, section);
}

void vnl_vici_close(struct vnl_vici_message *message)
{
    put_byte(message, VNL_VICI_SECTION_END);
}

void vnl_vici_put_list(struct vnl_vici_message *message, const char *name, const char *const *items, size_t n)
{
    put_name(message, VNL_VICI_LIST_START, name);
    for (size_t i = 0; i < n; i++) {
        put_byte(message, VNL_VICI_LIST_ITEM);
        put_value(message, items[i]);
    }
    put_byte(message, VNL_VICI_LIST_END);
}

void vnl_vici_message_done(struct vnl_vici_message *message)
{
    if (message->bytes)
        explicit_bzero(message->bytes, message->room);
    free(message->bytes);
    *message = (struct vnl_vici_message){ .bytes = NULL };
}

/* --- reading -------------------------------------------------------------------------------------- */

void vnl_vici_reader_init(struct vnl_vici_reader *reader, const void *bytes, size_t size)
{
    const uint8_t *at = bytes ? bytes : (const uint8_t *)"";

    *reader = (struct vnl_vici_reader){ .at = at, .end = at + size };
}

static size_t rest(const struct vnl_vici_reader *reader)
{
    return (size_t)(reader->end - reader->at);
}

static int read_name(struct vnl_vici_reader *reader, char *ret)
{
    size_t len;

    if (rest(reader) < 1 || rest(reader) - 1 < reader->at[0])
        return -EBADMSG;
    len = *reader->at++;
    memcpy(ret, reader->at, len);
    ret[len] = '\0';
    reader->at += len;
    return 0;
}

static int read_value(struct vnl_vici_reader *reader, struct vnl_vici_element *ret)
{
    size_t size;

    if (rest(reader) < 2)
        return -EBADMSG;
    size = (size_t)reader->at[0] << 8 | reader->at[1];
    if (rest(reader) - 2 < size)
        return -EBADMSG;
    ret->value = (const char *)reader->at + 2;
    ret->value_size = size;
    reader->at += 2 + size;
    return 0;
}

/* What may come after what: only items in a list, items only there, and an end for what was started. */
static bool may_come(const struct vnl_vici_reader *reader, unsigned kind)
{
    bool of_list = kind == VNL_VICI_LIST_ITEM || kind == VNL_VICI_LIST_END;

    if (kind < VNL_VICI_SECTION_START || kind >= VNL_VICI_KIND_MAX || of_list != reader->in_list)
        return false;
    if (kind == VNL_VICI_SECTION_START)
        return reader->depth < VNL_VICI_DEPTH_MAX;
    return kind != VNL_VICI_SECTION_END || reader->depth > 0;
}

static int read_element(struct vnl_vici_reader *reader, struct vnl_vici_element *ret)
{
    int r = 0;

    switch (ret->kind) {
    case VNL_VICI_SECTION_START:
    case VNL_VICI_LIST_START:
        return read_name(reader, ret->name);
    case VNL_VICI_KEY_VALUE:
        r = read_name(reader, ret->name);
        return r < 0 ? r : read_value(reader, ret);
    case VNL_VICI_LIST_ITEM:
        strcpy(ret->name, reader->list);
        return read_value(reader, ret);
    case VNL_VICI_SECTION_END:
    case VNL_VICI_LIST_END:
    case VNL_VICI_KIND_MAX:
        return 0;
    }
    return -EBADMSG;
}

int vnl_vici_next(struct vnl_vici_reader *reader, struct vnl_vici_element *ret)
{
    *ret = (struct vnl_vici_element){ .value = "" };
    if (reader->at == reader->end)
        return reader->depth || reader->in_list ? -EBADMSG : 0;
    if (!may_come(reader, *reader->at))
        return -EBADMSG;
    ret->kind = (enum vnl_vici_kind) * reader->at++;
    if (read_element(reader, ret) < 0)
        return -EBADMSG;
    reader->depth -= ret->kind == VNL_VICI_SECTION_END;
    ret->depth = reader->depth;
    reader->depth += ret->kind == VNL_VICI_SECTION_START;
    if (ret->kind == VNL_VICI_LIST_START)
        strcpy(reader->list, ret->name);
    reader->in_list = ret->kind == VNL_VICI_LIST_START || ret->kind == VNL_VICI_LIST_ITEM;
    return 1;
}

bool vnl_vici_is(const struct vnl_vici_element *element, const char *key, const char *value)
{
    return element->kind == VNL_VICI_KEY_VALUE && !strcmp(element->name, key) &&
           element->value_size == strlen(value) && !memcmp(element->value, value, element->value_size);
}

void vnl_vici_text(const struct vnl_vici_element *element, char *buf, size_t size)
{
    size_t len = element->value_size < size - 1 ? element->value_size : size - 1;

    memcpy(buf, element->value, len);
    buf[len] = '\0';
}
