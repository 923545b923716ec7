/* Names of drop reasons and stages, from the table in layout.h. */
#ifndef VNETLAB_DROP_H
#define VNETLAB_DROP_H

#include "vnetlab/layout.h"

const char *vnl_drop_str(enum vnl_drop reason);  /* "NoRoute"; "Unknown" for a number that has no name */
const char *vnl_drop_text(enum vnl_drop reason); /* the sentence */
int vnl_drop_parse(const char *name, enum vnl_drop *ret); /* case-insensitive; -EINVAL */
const char *vnl_stage_str(enum vnl_stage stage);

/* The VNL_DROP_MAX names in number order, for "did you mean". */
const char *const *vnl_drop_names(void);

#endif
