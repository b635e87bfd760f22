#include "server/dispatch/door.h"

#include <string.h>

#include "common/text.h"
#include "server/dispatch/dispatch.h"

/* --- finding the route -------------------------------------------------------------------------------- */

static const struct domain *domain_of(uint32_t arm)
{
    for (size_t i = 0; i < DOMAINS_COUNT; i++)
        if (DOMAINS[i]->arm == arm) return DOMAINS[i];
    return NULL;
}

/* The message in the oneof's present arm, whatever it is. */
static const ProtobufCMessage *arm_of(const ProtobufCMessage *parent, uint32_t arm)
{
    const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field(parent->descriptor, arm);
    const ProtobufCMessage *message = NULL;
    if (field && field->type == PROTOBUF_C_TYPE_MESSAGE)
        memcpy(&message, (const char *)parent + field->offset, sizeof message);
    return message;
}

static uint32_t present_arm(const ProtobufCMessage *parent)
{
    uint32_t arm;
    memcpy(&arm, (const char *)parent + parent->descriptor->fields[0].quantifier_offset, sizeof arm);
    return arm;
}

int door_route(const Mdg__Request *msg, const struct domain **domain, const struct route **route, const void **op)
{
    if (!msg->body) return MDG_ERR_UNKNOWN_CALL;
    *domain = domain_of((uint32_t)msg->body->domain_case);
    const ProtobufCMessage *call = *domain ? arm_of(&msg->body->base, (*domain)->arm) : NULL;
    if (!call) return MDG_ERR_UNKNOWN_CALL;
    uint32_t arm = present_arm(call);
    for (size_t i = 0; i < (*domain)->routes_count; i++) {
        if ((*domain)->routes[i].op != arm) continue;
        *route = &(*domain)->routes[i];
        *op = arm_of(call, arm);
        return *op ? 0 : MDG_ERR_UNKNOWN_CALL;
    }
    return MDG_ERR_UNKNOWN_CALL;
}

/* --- checking fields ---------------------------------------------------------------------------------- */

struct check {
    const struct domain *domain;
    struct arena *arena;
    struct refusal *refusal;
};

static const struct field_limit *limit_of(const struct domain *domain, const ProtobufCMessageDescriptor *message,
                                          uint32_t field)
{
    for (size_t i = 0; i < domain->limits_count; i++)
        if (domain->limits[i].message == message && domain->limits[i].field == field) return &domain->limits[i];
    return NULL;
}

static int refuse_field(struct check *check, const char *path, const char *name, const char *rule,
                        const struct field_limit *limit)
{
    struct refusal *refusal = check->refusal;
    *refusal = (struct refusal){.code = MDG_ERR_INVALID, .rule = rule};
    refusal->field = *path ? arena_printf(check->arena, "%s.%s", path, name) : name;
    if (limit && strcmp(rule, "text") != 0) {
        refusal->args[0].key = "min";
        refusal->args[0].value = arena_printf(check->arena, "%lld", (long long)limit->least);
        refusal->args[1].key = "max";
        refusal->args[1].value = arena_printf(check->arena, "%lld", (long long)limit->most);
        refusal->args_count = refusal->args[0].value && refusal->args[1].value ? 2 : 0;
    }
    return MDG_ERR_INVALID;
}

static int64_t number_at(const ProtobufCFieldDescriptor *field, const void *at)
{
    uint64_t wide;
    uint32_t narrow;
    switch (field->type) {
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
        memcpy(&wide, at, sizeof wide);
        return (int64_t)wide;
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        memcpy(&wide, at, sizeof wide);
        return wide > INT64_MAX ? INT64_MAX : (int64_t)wide;
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        memcpy(&narrow, at, sizeof narrow);
        return narrow;
    default:
        memcpy(&narrow, at, sizeof narrow);
        return (int32_t)narrow;
    }
}

static bool is_outside(const struct field_limit *limit, int64_t value)
{
    return limit && (value < limit->least || value > limit->most);
}

static int check_message(struct check *check, const ProtobufCMessage *message, const char *path);

static int check_value(struct check *check, const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field,
                       const void *at, const char *path)
{
    const struct field_limit *limit = limit_of(check->domain, message->descriptor, field->id);
    switch (field->type) {
    case PROTOBUF_C_TYPE_STRING: {
        const char *text;
        memcpy(&text, at, sizeof text);
        size_t length = text ? strlen(text) : 0;
        if (is_outside(limit, (int64_t)length)) return refuse_field(check, path, field->name, "length", limit);
        if (text && !text_is_clean(text, length, limit && limit->has_lines))
            return refuse_field(check, path, field->name, "text", limit);
        return 0;
    }
    case PROTOBUF_C_TYPE_BYTES: {
        ProtobufCBinaryData data;
        memcpy(&data, at, sizeof data);
        return is_outside(limit, (int64_t)data.len) ? refuse_field(check, path, field->name, "length", limit) : 0;
    }
    case PROTOBUF_C_TYPE_MESSAGE: {
        const ProtobufCMessage *inner;
        memcpy(&inner, at, sizeof inner);
        if (!inner) return 0;
        const char *inner_path = *path ? arena_printf(check->arena, "%s.%s", path, field->name) : field->name;
        return inner_path ? check_message(check, inner, inner_path) : MDG_ERR_MEMORY;
    }
    case PROTOBUF_C_TYPE_ENUM: {
        const ProtobufCEnumDescriptor *values = field->descriptor;
        if (!protobuf_c_enum_descriptor_get_value(values, (int)number_at(field, at)))
            return refuse_field(check, path, field->name, "unknown", NULL);
        return 0;
    }
    case PROTOBUF_C_TYPE_BOOL:
        return 0;
    default:
        return is_outside(limit, number_at(field, at)) ? refuse_field(check, path, field->name, "range", limit) : 0;
    }
}

static size_t value_size(const ProtobufCFieldDescriptor *field)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_MESSAGE:
        return sizeof(void *);
    case PROTOBUF_C_TYPE_BYTES:
        return sizeof(ProtobufCBinaryData);
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return 8;
    case PROTOBUF_C_TYPE_BOOL:
        return sizeof(protobuf_c_boolean);
    default:
        return 4;
    }
}

static int check_repeated(struct check *check, const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field,
                          const char *path)
{
    size_t count;
    const char *array;
    memcpy(&count, (const char *)message + field->quantifier_offset, sizeof count);
    memcpy(&array, (const char *)message + field->offset, sizeof array);
    const struct field_limit *limit = limit_of(check->domain, message->descriptor, field->id);
    if (is_outside(limit, (int64_t)count)) return refuse_field(check, path, field->name, "items", limit);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < count; i++)
        if (field->type == PROTOBUF_C_TYPE_MESSAGE)
            rc = check_value(check, message, field, array + i * value_size(field), path);
    return rc;
}

/* Terminates because no message type contains itself (a test walks the descriptors). */
static int check_message(struct check *check, const ProtobufCMessage *message, const char *path)
{
    int rc = 0;
    for (unsigned i = 0; rc == 0 && i < message->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
        if (field->label == PROTOBUF_C_LABEL_REPEATED) {
            rc = check_repeated(check, message, field, path);
            continue;
        }
        if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) {
            uint32_t arm;
            memcpy(&arm, (const char *)message + field->quantifier_offset, sizeof arm);
            if (arm != field->id) continue;
        }
        rc = check_value(check, message, field, (const char *)message + field->offset, path);
    }
    return rc;
}

int door_check(const struct domain *domain, const void *op, struct arena *arena, struct refusal *refusal)
{
    struct check check = {domain, arena, refusal};
    int rc = check_message(&check, op, "");
    if (rc == MDG_ERR_MEMORY) *refusal = (struct refusal){.code = rc};
    return rc;
}

/* --- are the tables complete? ------------------------------------------------------------------------- */

static const char *audit_message(const struct domain *domain, const ProtobufCMessageDescriptor *message)
{
    for (unsigned i = 0; i < message->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &message->fields[i];
        bool needs_limit = field->label == PROTOBUF_C_LABEL_REPEATED ||
                           (field->type != PROTOBUF_C_TYPE_MESSAGE && field->type != PROTOBUF_C_TYPE_ENUM &&
                            field->type != PROTOBUF_C_TYPE_BOOL);
        if (needs_limit && !limit_of(domain, message, field->id)) return field->name;
        /* Only messages may repeat in a call: the element's fields carry their own limits. */
        if (field->label == PROTOBUF_C_LABEL_REPEATED && field->type != PROTOBUF_C_TYPE_MESSAGE) return field->name;
        if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
            const char *fault = audit_message(domain, field->descriptor);
            if (fault) return fault;
        }
    }
    return NULL;
}

const char *door_audit_tables(void)
{
    for (size_t i = 0; i < DOMAINS_COUNT; i++) {
        const struct domain *domain = DOMAINS[i];
        const ProtobufCFieldDescriptor *arm =
            protobuf_c_message_descriptor_get_field(&mdg__body__descriptor, domain->arm);
        if (!arm) return domain->name;
        for (size_t j = 0; j < domain->routes_count; j++) {
            const ProtobufCFieldDescriptor *call =
                protobuf_c_message_descriptor_get_field(arm->descriptor, domain->routes[j].op);
            if (!call) return domain->routes[j].name;
            const char *fault = audit_message(domain, call->descriptor);
            if (fault) return fault;
        }
    }
    return NULL;
}
