/* One bank of vnl_pool while it grows. */
#include "image_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vnetlab/err.h"

int vnl_image_take(struct vnl_image_pool *pool, size_t size, uint32_t *ret)
{
    size_t end = pool->used + ((size + 7) & ~(size_t)7);

    if (end > VNL_IMAGE_POOL_MAX)
        return -E2BIG;
    if (end > pool->room) {
        size_t room = 2 * end;
        unsigned char *grown = realloc(pool->bytes, room);

        if (!grown)
            return -ENOMEM;
        memset(grown + pool->room, 0, room - pool->room);
        pool->bytes = grown;
        pool->room = room;
    }
    *ret = (uint32_t)pool->used;
    pool->used = end;
    return 0;
}

int vnl_image_put(struct vnl_image_pool *pool, const void *bytes, size_t size, uint32_t *ret)
{
    int r = vnl_image_take(pool, size, ret);

    if (r == 0 && size)
        memcpy(pool->bytes + *ret, bytes, size);
    return r;
}

int vnl_image_full(const struct vnl_image_pool *pool, int r, const char *what, const char *name,
                   struct vnl_err **err)
{
    if (r == -E2BIG)
        return vnl_fail(err, E2BIG, "%s '%s' does not fit: %zu bytes are taken; the tables hold %u", what,
                        name, pool->used, VNL_IMAGE_POOL_MAX);
    return vnl_fail(err, -r, "%s '%s'", what, name);
}
