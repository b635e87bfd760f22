/* server/command_routes.c - the union of the route tables, as they are compiled in: who may call what, from where. */
#include <stdio.h>
#include <string.h>

#include "common/locale.h"
#include "server/command.h"
#include "server/dispatch/dispatch.h"

#define LIST_BYTES 160

struct bit_name {
    uint32_t bit;
    const char *name;
};
static const struct bit_name ROLE_NAMES[] = {
    {ROLE_BIT_DESK, "desk"},         {ROLE_BIT_OFFICE, "office"},       {ROLE_BIT_CONSULTATION, "consultation"},
    {ROLE_BIT_GROUP, "group"},       {ROLE_BIT_COUNCIL, "council"},     {ROLE_BIT_CHAIR, "chair"},
    {ROLE_BIT_DOOR, "door"},         {ROLE_BIT_DISPLAY, "display"},     {ROLE_BIT_COUNTER_ALONE, "counter-alone"},
    {ROLE_BIT_TERMINAL, "terminal"}, {ROLE_BIT_APPLICANT, "applicant"}, {ROLE_BIT_CONSOLE, "console"},
    {ROLE_BIT_CLOCK, "clock"},
};
static const struct bit_name KIND_NAMES[] = {
    {KIND_BIT(KIND_COUNTER), "counter"},     {KIND_BIT(KIND_OFFICE), "office"},   {KIND_BIT(KIND_LOUNGE), "lounge"},
    {KIND_BIT(KIND_DOOR), "door"},           {KIND_BIT(KIND_COUNCIL), "council"}, {KIND_BIT(KIND_DISPLAY), "display"},
    {KIND_BIT(KIND_APPLICANT), "applicant"}, {KIND_BIT(KIND_CONSOLE), "console"}, {KIND_BIT(KIND_CLOCK), "clock"},
};
static const struct bit_name FLAG_NAMES[] = {
    {ROUTE_MAY_WAIT, "may-wait"},      {ROUTE_TERMINAL_SUFFICES, "terminal-suffices"}, {ROUTE_CONFIRM, "confirm"},
    {ROUTE_APPROVAL, "second-person"}, {ROUTE_BEFORE_HELLO, "before-hello"},
};

static const char *bits_list(uint32_t bits, const struct bit_name *names, size_t count, char out[LIST_BYTES])
{
    size_t used = 0;
    out[0] = '-';
    out[1] = '\0';
    for (size_t i = 0; i < count; i++) {
        if (!(bits & names[i].bit)) continue;
        int length = snprintf(out + used, LIST_BYTES - used, "%s%s", used > 0 ? "," : "", names[i].name);
        if (length < 0 || (size_t)length >= LIST_BYTES - used) break;
        used += (size_t)length;
    }
    return out;
}

static void print_route(const struct domain *domain, const struct route *route)
{
    static const char *const SCOPES[] = {"centre", "own-terminal", "own-person", "totals", "own-group", "own-room"};
    static const char *const AUDITS[] = {"none", "change", "secret", "read"};
    char roles[LIST_BYTES], kinds[LIST_BYTES], flags[LIST_BYTES];
    printf("%u.%u\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", domain->arm, route->op, route->name,
           route->access == ROUTE_READ ? "read" : "write", SCOPES[route->scope], AUDITS[route->audit],
           bits_list(route->roles, ROLE_NAMES, sizeof ROLE_NAMES / sizeof ROLE_NAMES[0], roles),
           bits_list(route->kinds, KIND_NAMES, sizeof KIND_NAMES / sizeof KIND_NAMES[0], kinds),
           bits_list(route->flags, FLAG_NAMES, sizeof FLAG_NAMES / sizeof FLAG_NAMES[0], flags));
}

static enum mdg_exit run(struct config *config)
{
    (void)config;
    puts("arm\tcall\taccess\tscope\taudit\troles\tkinds\tflags");
    for (size_t i = 0; i < DOMAINS_COUNT; i++)
        for (size_t j = 0; j < DOMAINS[i]->routes_count; j++) print_route(DOMAINS[i], &DOMAINS[i]->routes[j]);
    return MDG_EXIT_OK;
}

const struct command COMMAND_ROUTES = {
    .name = "routes",
    .summary = N_("Lists every call with the roles and terminals that may send it; columns are parted by tabs."),
    .run = run,
};
