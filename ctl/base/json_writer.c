#include "vnetlab/json_writer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void put(struct vnl_json_writer *out, const char *bytes, size_t size)
{
    if (size > out->room - out->size && !out->failed) {
        size_t room = (out->size + size) * 2 + 1024;
        char *text = realloc(out->text, room);

        out->failed = !text;
        out->text = text ? text : out->text;
        out->room = text ? room : out->room;
    }
    if (out->failed)
        return;
    memcpy(out->text + out->size, bytes, size);
    out->size += size;
}

static void put_key(struct vnl_json_writer *out, const char *key)
{
    if (out->inside)
        put(out, ",", 1);
    if (key) {
        put(out, "\"", 1);
        put(out, key, strlen(key));
        put(out, "\":", 2);
    }
    out->inside = true;
}

void vnl_json_write_open(struct vnl_json_writer *out, const char *key, char bracket)
{
    put_key(out, key);
    put(out, &bracket, 1);
    out->inside = false;
}

void vnl_json_write_close(struct vnl_json_writer *out, char bracket)
{
    put(out, &bracket, 1);
    out->inside = true;
}

/* Bytes of the UTF-8 sequence at p (Unicode 15, table 3-7), 0 when it is none. */
static size_t utf8_sequence(const unsigned char *p)
{
    size_t len = *p < 0x80 ? 1 : *p < 0xc2 ? 0 : *p < 0xe0 ? 2 : *p < 0xf0 ? 3 : *p < 0xf5 ? 4 : 0;

    for (size_t i = 1; i < len; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    }
    if ((*p == 0xe0 && p[1] < 0xa0) || (*p == 0xf0 && p[1] < 0x90)) /* longer than needed */
        return 0;
    if ((*p == 0xed && p[1] > 0x9f) || (*p == 0xf4 && p[1] > 0x8f)) /* a surrogate; above U+10FFFF */
        return 0;
    return len;
}

static bool is_utf8(const unsigned char *text)
{
    while (*text) {
        size_t len = utf8_sequence(text);

        if (!len)
            return false;
        text += len;
    }
    return true;
}

/* One character that cannot stand for itself. */
static void put_escaped(struct vnl_json_writer *out, unsigned char c)
{
    char text[8];

    if (c == '"' || c == '\\') {
        put(out, "\\", 1);
        put(out, (const char *)&c, 1);
    } else if (c >= 0x80) {
        put(out, "?", 1);
    } else {
        put(out, text, (size_t)snprintf(text, sizeof(text), "\\u%04x", c));
    }
}

/* What cannot be copied without a look: control characters and the end, quotes, what is not ASCII. */
static const unsigned char special[256] = { [0 ... 0x1f] = 1, ['"'] = 1, ['\\'] = 1, [0x80 ... 0xff] = 1 };

/* Nearly all text is ASCII, so whether it is UTF-8 is asked at the first byte that makes it a question. */
static void put_string(struct vnl_json_writer *out, const unsigned char *text)
{
    bool asked = false, utf8 = false;

    for (;; text++) {
        const unsigned char *start = text;

        while (!special[*text])
            text++;
        put(out, (const char *)start, (size_t)(text - start));
        if (!*text)
            return;
        if (*text >= 0x80 && !asked)
            utf8 = is_utf8(text);
        asked = asked || *text >= 0x80;
        if (*text >= 0x80 && utf8)
            put(out, (const char *)text, 1);
        else
            put_escaped(out, *text);
    }
}

void vnl_json_write_text(struct vnl_json_writer *out, const char *key, const char *text)
{
    put_key(out, key);
    put(out, "\"", 1);
    put_string(out, (const unsigned char *)text);
    put(out, "\"", 1);
}

void vnl_json_write_int(struct vnl_json_writer *out, const char *key, int64_t value)
{
    char text[24];

    put_key(out, key);
    put(out, text, (size_t)snprintf(text, sizeof(text), "%" PRId64, value));
}

void vnl_json_write_bool(struct vnl_json_writer *out, const char *key, bool value)
{
    put_key(out, key);
    put(out, value ? "true" : "false", value ? 4 : 5);
}

size_t vnl_json_write_document(struct vnl_json_writer *out)
{
    out->inside = false;
    return out->size;
}

void vnl_json_writer_done(struct vnl_json_writer *out)
{
    free(out->text);
    *out = (struct vnl_json_writer){ 0 };
}
