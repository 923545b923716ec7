/* Labs from text, and what is wrong with them: for tests of the model's rules. */
#ifndef VNL_TESTS_MISTAKES_H
#define VNL_TESTS_MISTAKES_H

struct vnl_lab;

/* A pair of gateways in VNets hub and far, one connection of the first to a site, its default site. */
extern const char gateway_lab_text[];

/* Loads and settles; before: may be NULL. Fails the test on any mistake. */
struct vnl_lab *settled_lab(const char *text, const struct vnl_lab *before);
/* Through the stored form and back, which must come out the same. */
struct vnl_lab *stored_lab(const struct vnl_lab *lab);
/* Loading, else settling, must be refused with these: "CODE LINE:COL sentence | hint" and a newline per mistake, in the file's order. */
void assert_refused_lab(const char *text, const struct vnl_lab *before, const char *expected);

#endif
