/* Effective security rules as text: for the operator in the columns of spec 3.9, and for the plan. */
#include "parts.h"

#include <stdlib.h>
#include <string.h>
#include <netinet/in.h>

#include "vnetlab/base.h"

#define MAX_COLUMNS 11
#define MAX_LINE    100 /* of a list of prefixes */

const char *vnl_rule_proto_text(const struct vnl_plan_rule *rule)
{
    switch (rule->proto) {
    case IPPROTO_TCP:
        return "Tcp";
    case IPPROTO_UDP:
        return "Udp";
    case IPPROTO_ICMP:
        return "Icmp";
    case IPPROTO_ESP:
        return "Esp";
    case IPPROTO_AH:
        return "Ah";
    default:
        return "All";
    }
}

char *vnl_ports_text(const struct vnl_plan_side *side)
{
    size_t size = side->n_ports * sizeof("65535-65535,") + sizeof("0-65535"), used = 0;
    char *text = malloc(size);

    if (!text)
        return NULL;
    (void)snprintf(text, size, "0-65535");
    for (size_t i = 0; i < side->n_ports; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%u-%u", i ? "," : "", side->ports[i].first,
                                 side->ports[i].last);
    return text;
}

/* --- a table ------------------------------------------------------------------------------------------------ */

/* One row; what has to be made for it is in `made`. */
struct line {
    const char *cells[MAX_COLUMNS];
    char *made[2];
    char name[128], priority[16];
};

static void line_done(struct line *line)
{
    free(line->made[0]);
    free(line->made[1]);
}

static void widen(size_t widths[], const char *const cells[], size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strlen(cells[i]) > widths[i])
            widths[i] = strlen(cells[i]);
}

/* The last cell is not padded. */
static void print_cells(FILE *out, const char *indent, const char *const cells[], const size_t widths[],
                        size_t n)
{
    (void)fputs(indent, out);
    for (size_t i = 0; i < n; i++)
        (void)fprintf(out, "%s%-*s", i ? "  " : "", i + 1 < n ? (int)widths[i] : 0, cells[i]);
    (void)fputc('\n', out);
}

/* Everything of a row but where it comes from: 9 cells. */
static size_t fill_rule(struct line *line, size_t at, const struct vnl_plan_rule *rule)
{
    (void)snprintf(line->name, sizeof(line->name), "%s/%s",
                   rule->is_default ? "defaultSecurityRules" : "securityRules", rule->name);
    (void)snprintf(line->priority, sizeof(line->priority), "%d", rule->priority);
    line->made[0] = vnl_ports_text(&rule->source);
    line->made[1] = vnl_ports_text(&rule->destination);
    line->cells[at++] = line->name;
    line->cells[at++] = line->priority;
    line->cells[at++] = rule->inbound ? "Inbound" : "Outbound";
    line->cells[at++] = rule->allow ? "Allow" : "Deny";
    line->cells[at++] = vnl_rule_proto_text(rule);
    line->cells[at++] = rule->source.text;
    line->cells[at++] = line->made[0] ? line->made[0] : "?";
    line->cells[at++] = rule->destination.text;
    line->cells[at++] = line->made[1] ? line->made[1] : "?";
    return at;
}

/* --- what tags and ASGs stand for --------------------------------------------------------------------------- */

static void print_prefixes(FILE *out, const char *indent, const struct vnl_plan_side *side)
{
    int at = fprintf(out, "%s%s:", indent, side->text);
    char buf[VNL_PREFIX_STR];

    for (size_t i = 0; i < side->n_prefixes; i++) {
        (void)vnl_prefix_format(&side->prefixes[i], buf);
        if (at + 1 + (int)strlen(buf) > MAX_LINE)
            at = fprintf(out, "\n%s ", indent) - 1;
        at += fprintf(out, " %s", buf);
    }
    (void)fputs(side->n_prefixes ? "\n" : " nothing\n", out);
}

const struct vnl_plan_side *vnl_rules_side(const struct vnl_plan_rules *rules, size_t i)
{
    const struct vnl_plan_rule *rule = &rules->rules[i / 2];

    return i % 2 ? &rule->destination : &rule->source;
}

bool vnl_rules_expands(const struct vnl_plan_rules *rules, size_t i)
{
    const struct vnl_plan_side *side = vnl_rules_side(rules, i);

    for (size_t k = 0; side->expanded && k < i; k++) {
        const struct vnl_plan_side *other = vnl_rules_side(rules, k);

        if (other->expanded && strcmp(other->text, side->text) == 0)
            return false;
    }
    return side->expanded;
}

static void print_expansions(FILE *out, const char *indent, const struct vnl_plan_rules *rules)
{
    for (size_t i = 0; i < 2 * (rules->n_inbound + rules->n_outbound); i++)
        if (vnl_rules_expands(rules, i))
            print_prefixes(out, indent, vnl_rules_side(rules, i));
}

/* --- the plan ------------------------------------------------------------------------------------------------- */

void vnl_rules_print_set(FILE *out, const struct vnl_plan_rules *rules)
{
    size_t widths[MAX_COLUMNS] = { 0 }, n = rules->n_inbound + rules->n_outbound;
    struct line line;

    for (size_t i = 0; i < n; i++) {
        size_t n_cells = fill_rule(&line, 0, &rules->rules[i]);

        widen(widths, line.cells, n_cells);
        line_done(&line);
    }
    for (size_t i = 0; i < n; i++) {
        size_t n_cells = fill_rule(&line, 0, &rules->rules[i]);

        print_cells(out, "  ", line.cells, widths, n_cells);
        line_done(&line);
    }
    print_expansions(out, "  ", rules);
}

/* --- Azure's effective rules (spec 3.9) ---------------------------------------------------------------------- */

static const char *const headers[] = { "NSG",         "Association",      "Name",
                                       "Priority",    "Direction",        "Access",
                                       "Protocol",    "Source",           "Source Ports",
                                       "Destination", "Destination Ports" };
static_assert(ARRAY_SIZE(headers) == MAX_COLUMNS, "a header for every column");

static size_t fill_line(struct line *line, const struct vnl_plan_rules *rules, const char *association,
                        size_t i)
{
    line->cells[0] = rules->nsg_name;
    line->cells[1] = association;
    return fill_rule(line, 2, &rules->rules[i]);
}

static void widen_set(size_t widths[], const struct vnl_plan_rules *rules, const char *association)
{
    for (size_t i = 0; i < rules->n_inbound + rules->n_outbound; i++) {
        struct line line;
        size_t n = fill_line(&line, rules, association, i);

        widen(widths, line.cells, n);
        line_done(&line);
    }
}

static void print_set(FILE *out, const size_t widths[], const struct vnl_plan_rules *rules,
                      const char *association)
{
    for (size_t i = 0; i < rules->n_inbound + rules->n_outbound; i++) {
        struct line line;
        size_t n = fill_line(&line, rules, association, i);

        print_cells(out, "", line.cells, widths, n);
        line_done(&line);
    }
}

static void print_head(FILE *out, const size_t widths[])
{
    print_cells(out, "", headers, widths, MAX_COLUMNS);
    for (size_t i = 0; i < MAX_COLUMNS; i++) {
        (void)fputs(i ? "  " : "", out);
        for (size_t k = 0; k < widths[i]; k++)
            (void)fputc('-', out);
    }
    (void)fputc('\n', out);
}

void vnl_rules_print(FILE *out, const struct vnl_plan *plan, size_t nic)
{
    const struct vnl_plan_nic *it = &plan->nics[nic];
    const struct vnl_plan_rules *subnet = it->rules_subnet == VNL_PLAN_NO_RULES
                                              ? NULL
                                              : &plan->rules[it->rules_subnet],
                                *own =
                                    it->rules_nic == VNL_PLAN_NO_RULES ? NULL : &plan->rules[it->rules_nic];
    size_t widths[MAX_COLUMNS] = { 0 };

    widen(widths, headers, MAX_COLUMNS);
    if (subnet)
        widen_set(widths, subnet, it->subnet);
    if (own)
        widen_set(widths, own, it->name);
    print_head(out, widths);
    if (subnet)
        print_set(out, widths, subnet, it->subnet);
    if (own)
        print_set(out, widths, own, it->name);
    if (subnet || own)
        (void)fputc('\n', out);
    if (subnet)
        print_expansions(out, "", subnet);
    if (own && own != subnet)
        print_expansions(out, "", own);
}
