/* Ownership and small macros that every file uses: see docs/architecture.md, "Ownership". */
#ifndef VNETLAB_BASE_H
#define VNETLAB_BASE_H

#include <assert.h>
#include <stddef.h>

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/* An owning local: CLEANUP(vnl_lab_free) struct vnl_lab *lab = NULL; the destructor takes T ** (or int *). */
#define CLEANUP(destructor) __attribute__((cleanup(destructor)))

/* Ownership leaves a local: the local is reset, its value is the expression. */
#define TAKE_PTR(ptr)                                                                                        \
    ({                                                                                                       \
        __typeof__(ptr) *take_from_ = &(ptr);                                                                \
        __typeof__(ptr) taken_ = *take_from_;                                                                \
        *take_from_ = NULL;                                                                                  \
        taken_;                                                                                              \
    })
#define TAKE_FD(fd)                                                                                          \
    ({                                                                                                       \
        int *take_from_ = &(fd);                                                                             \
        int taken_ = *take_from_;                                                                            \
        *take_from_ = -1;                                                                                    \
        taken_;                                                                                              \
    })

void vnl_str_free(char **str); /* free(3) for CLEANUP */
void vnl_fd_close(int *fd);    /* close(2) unless -1; keeps errno */

#endif
