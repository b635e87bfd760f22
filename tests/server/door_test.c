/* tests/server/door_test.c - what is checked of a call before any handler sees it, and the tables it is checked by. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/dispatch/dispatch.h"
#include "server/dispatch/door.h"
#include "server/visits/visits_domain.h"

#define ARENA_BYTES (1024u * 1024u)

/* --- the tables --------------------------------------------------------------------------------------------- */

static const struct route *next_route(size_t *domain, size_t *route)
{
    while (*domain < DOMAINS_COUNT && *route == DOMAINS[*domain]->routes_count) {
        ++*domain;
        *route = 0;
    }
    return *domain < DOMAINS_COUNT ? &DOMAINS[*domain]->routes[(*route)++] : NULL;
}

static void test_tables_are_complete(void **state)
{
    (void)state;
    const char *fault = door_audit_tables();
    if (fault) fail_msg("%s", fault);
    for (size_t i = 0; i < DOMAINS_COUNT; i++)
        for (size_t j = 0; j < i; j++) {
            assert_int_not_equal(DOMAINS[i]->arm, DOMAINS[j]->arm);
            assert_string_not_equal(DOMAINS[i]->name, DOMAINS[j]->name);
        }
}

static void test_routes_have_names_of_their_own(void **state)
{
    size_t d = 0, i = 0;
    const struct route *route, *other;
    (void)state;
    while ((route = next_route(&d, &i))) {
        const char *domain = DOMAINS[d]->name;
        if (strncmp(route->name, domain, strlen(domain)) != 0 || route->name[strlen(domain)] != '.')
            fail_msg("%s stands in %s", route->name, domain);
        if (strlen(route->name) > AUDIT_OPERATION_BYTES_MAX) fail_msg("%s does not fit the audit trail", route->name);
        size_t d2 = 0, i2 = 0;
        while ((other = next_route(&d2, &i2)) && other != route) {
            if (strcmp(route->name, other->name) == 0) fail_msg("%s twice", route->name);
            if (d == d2 && route->op == other->op) fail_msg("%s and %s are one call", route->name, other->name);
        }
    }
}

/* Roles of which at least one can be had at one of the kinds; and none that can be had nowhere there. */
static void test_routes_say_who_and_where(void **state)
{
    size_t d = 0, i = 0;
    const struct route *route;
    (void)state;
    while ((route = next_route(&d, &i))) {
        uint32_t can_be_had = 0;
        if (route->roles == 0 || route->kinds == 0) fail_msg("%s is nobody's", route->name);
        if (route->kinds & KIND_BIT(KIND_NONE)) fail_msg("%s may be called from nowhere", route->name);
        for (int kind = 0; kind < 32; kind++) {
            if (!(route->kinds & KIND_BIT(kind))) continue;
            uint32_t here = roles_effective((enum terminal_kind)kind, true, ROLE_BITS_OF_PERSONS);
            if (!(here & route->roles)) fail_msg("%s: nobody may at kind %d", route->name, kind);
            can_be_had |= here;
        }
        if (route->roles & ~can_be_had)
            fail_msg("%s: roles %#x nowhere", route->name, (unsigned)(route->roles & ~can_be_had));
    }
}

static void test_routes_leave_a_trace(void **state)
{
    size_t d = 0, i = 0;
    const struct route *route;
    (void)state;
    while ((route = next_route(&d, &i))) {
        bool is_write = route->access == ROUTE_WRITE;
        if (!route->handle) fail_msg("%s does nothing", route->name);
        if (is_write && route->audit != AUDIT_CHANGE && route->audit != AUDIT_SECRET)
            fail_msg("%s writes without a trace", route->name);
        if (!is_write && route->audit != AUDIT_NONE && route->audit != AUDIT_READ) fail_msg("%s reads", route->name);
        /* What waits, and what a second person decides, is known again by its key. */
        if ((route->flags & (ROUTE_MAY_WAIT | ROUTE_APPROVAL)) && route->audit != AUDIT_CHANGE)
            fail_msg("%s has no key", route->name);
        if ((route->flags & ROUTE_MAY_WAIT) && !(route->kinds & KINDS_STAFF))
            fail_msg("%s waits elsewhere", route->name);
        if ((route->flags & ROUTE_TERMINAL_SUFFICES) && !(route->flags & ROUTE_MAY_WAIT)) fail_msg("%s", route->name);
        if ((route->flags & ROUTE_BEFORE_HELLO) && strcmp(route->name, "centre.hello") != 0)
            fail_msg("%s comes before hello", route->name);
        if (route->work && !route->prepare) fail_msg("%s: nothing prepares its work", route->name);
    }
}

/* What door_check() relies upon: no message contains itself. */
static bool contains(const ProtobufCMessageDescriptor *outer, const ProtobufCMessageDescriptor *inner, int depth)
{
    if (depth > 20) return true;
    for (unsigned i = 0; i < outer->n_fields; i++) {
        if (outer->fields[i].type != PROTOBUF_C_TYPE_MESSAGE) continue;
        const ProtobufCMessageDescriptor *type = outer->fields[i].descriptor;
        if (type == inner || contains(type, inner, depth + 1)) return true;
    }
    return false;
}

static void test_no_call_contains_itself(void **state)
{
    (void)state;
    for (unsigned i = 0; i < mdg__body__descriptor.n_fields; i++) {
        const ProtobufCMessageDescriptor *domain = mdg__body__descriptor.fields[i].descriptor;
        for (unsigned j = 0; j < domain->n_fields; j++) {
            const ProtobufCMessageDescriptor *call = domain->fields[j].descriptor;
            if (contains(call, call, 0)) fail_msg("%s", call->name);
        }
    }
}

/* --- finding the call ----------------------------------------------------------------------------------------- */

/* A message of this type in the arena, set into the oneof's arm of its parent. */
static void *arm_set(struct arena *arena, ProtobufCMessage *parent, uint32_t arm)
{
    const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field(parent->descriptor, arm);
    assert_non_null(field);
    const ProtobufCMessageDescriptor *type = field->descriptor;
    ProtobufCMessage *message = arena_alloc(arena, type->sizeof_message);
    protobuf_c_message_init(type, message);
    memcpy((char *)parent + field->offset, &message, sizeof message);
    memcpy((char *)parent + field->quantifier_offset, &arm, sizeof arm);
    return message;
}

static bool is_served(uint32_t domain_arm)
{
    for (size_t i = 0; i < DOMAINS_COUNT; i++)
        if (DOMAINS[i]->arm == domain_arm) return true;
    return false;
}

static void test_every_call_is_found_and_nothing_else(void **state)
{
    struct arena arena;
    size_t calls = 0, others = 0;
    (void)state;
    for (unsigned i = 0; i < mdg__body__descriptor.n_fields; i++) {
        uint32_t domain_arm = mdg__body__descriptor.fields[i].id;
        const ProtobufCMessageDescriptor *arms = mdg__body__descriptor.fields[i].descriptor;
        for (unsigned j = 0; j < arms->n_fields; j++) {
            const struct domain *domain = NULL;
            const struct route *route = NULL;
            const void *op = NULL;
            Mdg__Request msg = MDG__REQUEST__INIT;
            Mdg__Body body = MDG__BODY__INIT;
            arena_init(&arena, ARENA_BYTES);
            msg.body = &body;
            const void *call = arm_set(&arena, arm_set(&arena, &body.base, domain_arm), arms->fields[j].id);
            int rc = door_route(&msg, &domain, &route, &op);
            /* Arms up to 99 are calls; answers and rows cannot be called, nor anything of a domain that is not served.
             */
            bool is_call = arms->fields[j].id < 100 && is_served(domain_arm);
            if ((rc == 0) != is_call || (rc != 0 && rc != MDG_ERR_UNKNOWN_CALL))
                fail_msg("%s.%s: %s", arms->name, arms->fields[j].name, mdg_error_name(rc));
            if (is_call) {
                assert_int_equal(domain->arm, domain_arm);
                assert_int_equal(route->op, arms->fields[j].id);
                assert_ptr_equal(op, call);
                calls++;
            } else {
                others++;
            }
            arena_fini(&arena);
        }
    }
    assert_true(calls > 30 && others > 10);
}

static void test_requests_without_a_call(void **state)
{
    const struct domain *domain;
    const struct route *route;
    const void *op;
    Mdg__Request msg = MDG__REQUEST__INIT;
    Mdg__Body body = MDG__BODY__INIT;
    Mdg__Visits visits = MDG__VISITS__INIT;
    (void)state;
    assert_int_equal(door_route(&msg, &domain, &route, &op), MDG_ERR_UNKNOWN_CALL);
    msg.body = &body;
    assert_int_equal(door_route(&msg, &domain, &route, &op), MDG_ERR_UNKNOWN_CALL);
    body.domain_case = MDG__BODY__DOMAIN_VISITS;
    assert_int_equal(door_route(&msg, &domain, &route, &op),
                     MDG_ERR_UNKNOWN_CALL); /* the arm is there, the message not */
    body.visits = &visits;
    assert_int_equal(door_route(&msg, &domain, &route, &op), MDG_ERR_UNKNOWN_CALL);
    visits.of_case = MDG__VISITS__OF_COUNT;
    assert_int_equal(door_route(&msg, &domain, &route, &op), MDG_ERR_UNKNOWN_CALL);
    body.domain_case = (Mdg__Body__DomainCase)99;
    assert_int_equal(door_route(&msg, &domain, &route, &op), MDG_ERR_UNKNOWN_CALL);
}

/* --- every field of every call at its bounds --------------------------------------------------------------------- */

static void set_number(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field, int64_t value)
{
    bool is_wide = field->type == PROTOBUF_C_TYPE_INT64 || field->type == PROTOBUF_C_TYPE_SINT64 ||
                   field->type == PROTOBUF_C_TYPE_UINT64 || field->type == PROTOBUF_C_TYPE_FIXED64;
    int32_t narrow = (int32_t)value;
    if (is_wide)
        memcpy((char *)message + field->offset, &value, sizeof value);
    else
        memcpy((char *)message + field->offset, &narrow, sizeof narrow);
}

/* Sets the field to a value of this size: a number, or that many bytes. */
static void set_size(struct arena *arena, ProtobufCMessage *message, const ProtobufCFieldDescriptor *field,
                     int64_t size)
{
    if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
        memcpy((char *)message + field->quantifier_offset, &field->id, sizeof(uint32_t));
    if (field->type == PROTOBUF_C_TYPE_STRING) {
        char *text = arena_alloc(arena, (size_t)size + 1);
        assert_non_null(text);
        memset(text, 'a', (size_t)size);
        memcpy((char *)message + field->offset, &text, sizeof text);
    } else if (field->type == PROTOBUF_C_TYPE_BYTES) {
        ProtobufCBinaryData data = {(size_t)size, arena_alloc(arena, (size_t)size + 1)};
        assert_non_null(data.data);
        memcpy((char *)message + field->offset, &data, sizeof data);
    } else {
        set_number(message, field, size);
    }
}

/* is_above: the value was made by adding, so that it may have gone over. */
static bool type_holds(const ProtobufCFieldDescriptor *field, int64_t value, bool is_above)
{
    if (is_above ? value == INT64_MIN : value == INT64_MAX) return false;
    if (field->type == PROTOBUF_C_TYPE_STRING || field->type == PROTOBUF_C_TYPE_BYTES) return value >= 0;
    if (field->type == PROTOBUF_C_TYPE_UINT32) return value >= 0 && value <= UINT32_MAX;
    if (field->type == PROTOBUF_C_TYPE_UINT64) return value >= 0;
    if (field->type == PROTOBUF_C_TYPE_INT64 || field->type == PROTOBUF_C_TYPE_SINT64) return true;
    return value >= INT32_MIN && value <= INT32_MAX;
}

static const struct field_limit *limit_of(const struct domain *domain, const ProtobufCMessageDescriptor *type,
                                          uint32_t id)
{
    for (size_t i = 0; i < domain->limits_count; i++)
        if (domain->limits[i].message == type && domain->limits[i].field == id) return &domain->limits[i];
    return NULL;
}

/* A message all of whose fields lie at their least. */
static ProtobufCMessage *least_message(struct arena *arena, const struct domain *domain,
                                       const ProtobufCMessageDescriptor *type)
{
    ProtobufCMessage *message = arena_alloc(arena, type->sizeof_message);
    protobuf_c_message_init(type, message);
    for (unsigned i = 0; i < type->n_fields; i++) {
        const struct field_limit *limit = limit_of(domain, type, type->fields[i].id);
        if (limit && type->fields[i].label != PROTOBUF_C_LABEL_REPEATED)
            set_size(arena, message, &type->fields[i], limit->least);
    }
    return message;
}

static void check_bound(const struct domain *domain, const ProtobufCMessageDescriptor *type,
                        const ProtobufCFieldDescriptor *field, int64_t value, bool is_inside)
{
    struct arena arena;
    struct refusal refusal = {.code = 0};
    arena_init(&arena, 8 * ARENA_BYTES);
    ProtobufCMessage *message = least_message(&arena, domain, type);
    set_size(&arena, message, field, value);
    int rc = door_check(domain, message, &arena, &refusal);
    if (rc != (is_inside ? 0 : MDG_ERR_INVALID))
        fail_msg("%s.%s at %lld: %s", type->name, field->name, (long long)value, mdg_error_name(rc));
    if (!is_inside) {
        bool is_text = field->type == PROTOBUF_C_TYPE_STRING || field->type == PROTOBUF_C_TYPE_BYTES;
        assert_int_equal(refusal.code, MDG_ERR_INVALID);
        assert_string_equal(refusal.field, field->name);
        assert_string_equal(refusal.rule, is_text ? "length" : "range");
        assert_int_equal(refusal.args_count, 2);
        assert_string_equal(refusal.args[0].key, "min");
        assert_string_equal(refusal.args[1].key, "max");
    }
    arena_fini(&arena);
}

static void test_every_field_at_its_bounds(void **state)
{
    size_t checked = 0, d = 0, i = 0;
    const struct route *route;
    (void)state;
    while ((route = next_route(&d, &i))) {
        const struct domain *domain = DOMAINS[d];
        const ProtobufCMessageDescriptor *arms =
            protobuf_c_message_descriptor_get_field(&mdg__body__descriptor, domain->arm)->descriptor;
        const ProtobufCMessageDescriptor *type = protobuf_c_message_descriptor_get_field(arms, route->op)->descriptor;
        for (unsigned f = 0; f < type->n_fields; f++) {
            const ProtobufCFieldDescriptor *field = &type->fields[f];
            const struct field_limit *limit = limit_of(domain, type, field->id);
            if (!limit || field->label == PROTOBUF_C_LABEL_REPEATED) continue;
            if (limit->least > limit->most) fail_msg("%s.%s", type->name, field->name);
            const struct {
                int64_t value;
                bool is_inside, is_above;
            } BOUNDS[] = {{limit->least, true, false},
                          {limit->most, true, true},
                          {limit->least - 1, false, false},
                          {(int64_t)((uint64_t)limit->most + 1), false, true}};
            for (size_t b = 0; b < sizeof BOUNDS / sizeof BOUNDS[0]; b++) {
                if (!type_holds(field, BOUNDS[b].value, BOUNDS[b].is_above)) continue;
                check_bound(domain, type, field, BOUNDS[b].value, BOUNDS[b].is_inside);
                checked++;
            }
        }
    }
    assert_true(checked > 150);
}

/* --- texts, enumerations, nested messages ----------------------------------------------------------------------------
 */

static void test_texts(void **state)
{
    static const struct {
        const char *name, *text, *rule;
    } CASES[] = {
        {"plain", "counted twice", NULL},
        {"Japanese", "二度数えた", NULL},
        {"beyond the basic plane", "\xf0\xa0\xae\x9f\xe9\x87\x8e\xe5\xae\xb6 \xf0\x9f\x8d\xb5", NULL},
        {"the last code point", "\xf4\x8f\xbf\xbd", NULL},
        {"empty, where it must not be", "", "length"},
        {"a line feed", "one\ntwo", "text"},
        {"a tab", "one\ttwo", "text"},
        {"escape", "\x1b[31m", "text"},
        {"delete", "a\x7f", "text"},
        {"a control of the second set", "a\xc2\x85", "text"},
        {"a byte alone", "a\x80", "text"},
        {"cut off", "a\xe4\xba", "text"},
        {"overlong", "\xc0\xaf", "text"},
        {"overlong in three", "\xe0\x80\xaf", "text"},
        {"half of a pair", "\xed\xa0\x80", "text"},
        {"beyond the last code point", "\xf4\x90\x80\x80", "text"},
        {"no such byte", "\xff", "text"},
    };
    struct arena arena;
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct refusal refusal = {.code = 0};
        Mdg__VisitCorrect correct = MDG__VISIT_CORRECT__INIT;
        correct.visit_id = 1;
        correct.reason = (char *)CASES[i].text;
        arena_init(&arena, ARENA_BYTES);
        int rc = door_check(&VISITS_DOMAIN, &correct, &arena, &refusal);
        if (rc != (CASES[i].rule ? MDG_ERR_INVALID : 0)) fail_msg("%s: %s", CASES[i].name, mdg_error_name(rc));
        if (CASES[i].rule) {
            assert_string_equal(refusal.field, "reason");
            if (strcmp(refusal.rule, CASES[i].rule) != 0) fail_msg("%s: %s", CASES[i].name, refusal.rule);
        }
        arena_fini(&arena);
    }
}

static void test_enumerations(void **state)
{
    static const struct {
        int value;
        int rc;
    } CASES[] = {{0, 0},
                 {4, 0},
                 {5, MDG_ERR_INVALID},
                 {-1, MDG_ERR_INVALID},
                 {INT32_MAX, MDG_ERR_INVALID},
                 {INT32_MIN, MDG_ERR_INVALID}};
    struct arena arena;
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct refusal refusal = {.code = 0};
        Mdg__VisitTotals totals = MDG__VISIT_TOTALS__INIT;
        totals.from_day = totals.to_day = 20250101;
        totals.step = (Mdg__VisitStep)CASES[i].value;
        arena_init(&arena, ARENA_BYTES);
        int rc = door_check(&VISITS_DOMAIN, &totals, &arena, &refusal);
        if (rc != CASES[i].rc) fail_msg("step %d: %s", CASES[i].value, mdg_error_name(rc));
        if (rc != 0) {
            assert_string_equal(refusal.field, "step");
            assert_string_equal(refusal.rule, "unknown");
        }
        arena_fini(&arena);
    }
}

/* No call of today has messages within it; the walk is for those to come, and is shown on answers. */
static const struct field_limit NESTED_LIMITS[] = {
    {&mdg__account_listed__descriptor, 1, 1, 3, false},
    {&mdg__account__descriptor, 2, 1, 5, false},
    {&mdg__account__descriptor, 3, 0, 5, true},
    {&mdg__terminal_certificate__descriptor, 1, 0, 4, false},
    {&mdg__enrolment_collected__descriptor, 4, 0, 5, false},
};
static const struct domain NESTED = {
    .name = "nested", .limits = NESTED_LIMITS, .limits_count = sizeof NESTED_LIMITS / sizeof NESTED_LIMITS[0]};

static void test_nested_messages(void **state)
{
    struct arena arena;
    struct refusal refusal;
    Mdg__Account good = MDG__ACCOUNT__INIT, bad = MDG__ACCOUNT__INIT;
    Mdg__Account *accounts[] = {&good, &good, &good, &good};
    Mdg__AccountListed listed = MDG__ACCOUNT_LISTED__INIT;
    (void)state;
    arena_init(&arena, ARENA_BYTES);
    good.name = (char *)"Hana";
    good.reading = (char *)"a\nb"; /* there lines are allowed */
    bad.name = (char *)"Hanako";
    listed.accounts = accounts;
    listed.n_accounts = 3;
    assert_int_equal(door_check(&NESTED, &listed, &arena, &refusal), 0);
    listed.n_accounts = 4;
    assert_int_equal(door_check(&NESTED, &listed, &arena, &refusal), MDG_ERR_INVALID);
    assert_string_equal(refusal.field, "accounts");
    assert_string_equal(refusal.rule, "items");
    assert_string_equal(refusal.args[1].value, "3");
    listed.n_accounts = 0;
    assert_int_equal(door_check(&NESTED, &listed, &arena, &refusal), MDG_ERR_INVALID);
    listed.n_accounts = 3;
    accounts[2] = &bad; /* the last one is looked at, too */
    assert_int_equal(door_check(&NESTED, &listed, &arena, &refusal), MDG_ERR_INVALID);
    assert_string_equal(refusal.field, "accounts.name");
    assert_string_equal(refusal.rule, "length");

    Mdg__EnrolmentCollected collected = MDG__ENROLMENT_COLLECTED__INIT;
    Mdg__TerminalCertificate issued = MDG__TERMINAL_CERTIFICATE__INIT;
    uint8_t bytes[5] = {0};
    assert_int_equal(door_check(&NESTED, &collected, &arena, &refusal), 0); /* absent is no fault */
    collected.issued = &issued;
    issued.certificate.data = bytes;
    issued.certificate.len = 4;
    assert_int_equal(door_check(&NESTED, &collected, &arena, &refusal), 0);
    issued.certificate.len = 5;
    assert_int_equal(door_check(&NESTED, &collected, &arena, &refusal), MDG_ERR_INVALID);
    assert_string_equal(refusal.field, "issued.certificate");
    arena_fini(&arena);
}

/* Of a oneof only what is there is looked at. */
static void test_the_other_arm_of_a_choice(void **state)
{
    struct arena arena;
    struct refusal refusal;
    const struct domain *domain;
    const struct route *route;
    const void *op;
    Mdg__Request msg = MDG__REQUEST__INIT;
    Mdg__Body body = MDG__BODY__INIT;
    Mdg__SignIn sign_in = MDG__SIGN_IN__INIT;
    Mdg__SecretSet set = MDG__SECRET_SET__INIT;
    (void)state;
    arena_init(&arena, ARENA_BYTES);
    msg.body = &body;
    body.domain_case = MDG__BODY__DOMAIN_SIGN_IN;
    body.sign_in = &sign_in;
    sign_in.of_case = MDG__SIGN_IN__OF_SECRET_SET;
    sign_in.secret_set = &set;
    assert_int_equal(door_route(&msg, &domain, &route, &op), 0);
    set.name = (char *)"Hanako";
    set.new_secret = (char *)"kumo to iwa to neko";
    set.proof_case = MDG__SECRET_SET__PROOF_CODE;
    set.code = (char *)"AAAA-BBBB-CC";
    assert_int_equal(door_check(domain, op, &arena, &refusal), 0);
    set.code = (char *)"\x01";
    assert_int_equal(door_check(domain, op, &arena, &refusal), MDG_ERR_INVALID);
    assert_string_equal(refusal.field, "code");
    set.proof_case = MDG__SECRET_SET__PROOF__NOT_SET;
    assert_int_equal(door_check(domain, op, &arena, &refusal), 0); /* the handler's to say */
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tables_are_complete),
        cmocka_unit_test(test_routes_have_names_of_their_own),
        cmocka_unit_test(test_routes_say_who_and_where),
        cmocka_unit_test(test_routes_leave_a_trace),
        cmocka_unit_test(test_no_call_contains_itself),
        cmocka_unit_test(test_every_call_is_found_and_nothing_else),
        cmocka_unit_test(test_requests_without_a_call),
        cmocka_unit_test(test_every_field_at_its_bounds),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_enumerations),
        cmocka_unit_test(test_nested_messages),
        cmocka_unit_test(test_the_other_arm_of_a_choice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
