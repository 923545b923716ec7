/* Any bytes as a packet of charon's, as a report of SAs, and as a line of its log. What is read stays within the bytes (the sanitizers look),
 * and a message that is accepted comes back byte for byte when it is written again. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../ctl/agent/vici.h"
#include "../../ctl/agent/vpn_parts.h"

#define CHECK(what)                                                                                          \
    do {                                                                                                     \
        if (!(what)) {                                                                                       \
            (void)fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #what);                       \
            abort();                                                                                         \
        }                                                                                                    \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Lists and texts with zero bytes are not written as they were read. */
static bool rewrite(struct vnl_vici_message *message, const struct vnl_vici_element *element)
{
    char value[4096];

    if (memchr(element->value, 0, element->value_size) || element->value_size >= sizeof(value))
        return false;
    vnl_vici_text(element, value, sizeof(value));
    if (element->kind == VNL_VICI_SECTION_START)
        vnl_vici_open(message, element->name);
    else if (element->kind == VNL_VICI_SECTION_END)
        vnl_vici_close(message);
    else if (element->kind == VNL_VICI_KEY_VALUE)
        vnl_vici_put(message, element->name, value);
    else
        return false;
    return true;
}

static void fuzz_message(const uint8_t *bytes, size_t size)
{
    struct vnl_vici_message message = { .bytes = NULL };
    struct vnl_vici_reader reader;
    struct vnl_vici_element element;
    bool same = true;
    int r;

    vnl_vici_reader_init(&reader, bytes, size);
    while ((r = vnl_vici_next(&reader, &element)) > 0)
        same = same && rewrite(&message, &element);
    CHECK(r != 0 || (reader.at == reader.end && reader.depth == 0));
    if (r == 0 && same && size && message.size == size) /* names that end early are shorter */
        CHECK(!memcmp(message.bytes, bytes, size));
    vnl_vici_message_done(&message);
}

static void fuzz_line(const uint8_t *data, size_t size)
{
    char *line = malloc(size + 1);
    struct vnl_vpn_line words;

    CHECK(line);
    if (size)
        memcpy(line, data, size);
    line[size] = '\0';
    (void)vnl_vpn_line_parse(line, &words);
    free(line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vnl_vici_packet packet;
    struct vnl_vpn_sa sa;

    fuzz_line(data, size);
    fuzz_message(data, size);
    (void)vnl_vpn_sa_parse(data, size, &sa);
    if (vnl_vici_packet_parse(data, size, &packet) < 0)
        return 0;
    CHECK(packet.message >= data && packet.message + packet.size == data + size);
    fuzz_message(packet.message, packet.size);
    (void)vnl_vpn_sa_parse(packet.message, packet.size, &sa);
    return 0;
}
