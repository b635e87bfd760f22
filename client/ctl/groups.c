/* client/ctl/groups.c - registered groups: looked up, kept by the office, drafted at the counter. */
#include <stdlib.h>
#include <string.h>

#include "client/ctl/ctl.h"
#include "client/ctl/families.h"
#include "client/ctl/group_book.h"
#include "client/ctl/moment.h"
#include "client/ctl/output.h"
#include "common/locale.h"

#define LIMIT_DEFAULT 20
#define LIMIT_MAX 100

static int groups_call(struct ctl *ctl, Mdg__Groups *groups, enum ctl_access access, Mdg__Response **out)
{
    Mdg__Body body = MDG__BODY__INIT;
    body.domain_case = MDG__BODY__DOMAIN_GROUPS;
    body.groups = groups;
    return ctl_call(ctl, &body, access, NULL, out);
}

/* The answer of that arm, or NULL. */
static const Mdg__Groups *answer_of(const Mdg__Response *response, Mdg__Groups__OfCase arm)
{
    const Mdg__Body *body = response ? response->body : NULL;
    if (!body || body->domain_case != MDG__BODY__DOMAIN_GROUPS || body->groups->of_case != arm) return NULL;
    return body->groups;
}

static int groups_write(struct ctl *ctl, Mdg__Groups *groups, int64_t *id)
{
    Mdg__Response *response = NULL;
    int rc = groups_call(ctl, groups, CTL_WRITE, &response);
    if (rc != 0) return rc;
    *id = response->object_id;
    mdg__response__free_unpacked(response, NULL);
    return 0;
}

/* 0 stays where the option is not given. */
static int day_option(struct ctl *ctl, const char *name, int32_t *day)
{
    const char *text = option_text(&ctl->options, name);
    if (!text || moment_day_parse(text, mdg_client_now_us(ctl->client), day) == 0) return 0;
    return ctl_fail(ctl, MDG_ERR_INVALID, _("--%s: please give a day such as 2026-11-24."), name);
}

static int64_t integer_of(const json_t *group, const char *key)
{
    return json_integer_value(json_object_get(group, key));
}

/* --- looking ------------------------------------------------------------------------------------------ */

static const struct column COLUMNS[] = {{N_("Group number"), "number", CELL_NUMBER},
                                        {N_("Name"), "name", CELL_TEXT},
                                        {N_("Reading"), "reading", CELL_TEXT},
                                        {N_("Field of activity"), "field", CELL_TEXT},
                                        {N_("Registered until"), "to_day", CELL_DAY},
                                        {N_("Ended"), "is_ended", CELL_MARK},
                                        {NULL, NULL, CELL_TEXT}};

static int run_list(struct ctl *ctl)
{
    struct group_book book = {0};
    json_t *rows = json_array();
    int rc = ctl_open(ctl, CTL_FEED | CTL_MAY_OFFLINE);
    if (rc == 0) rc = group_book_load(ctl, &book);
    for (size_t i = 0; i < json_array_size(book.groups); i++) {
        json_t *group = json_array_get(book.groups, i);
        if (option_is_set(&ctl->options, "all") || !json_is_true(json_object_get(group, "is_ended")))
            json_array_append(rows, group);
    }
    group_book_fini(&book);
    if (rc == 0) return output_table(ctl, json_pack("{s:o}", "groups", rows), "groups", COLUMNS);
    json_decref(rows);
    return rc;
}

static int search_online(struct ctl *ctl, const char *text, bool with_ended, int limit, json_t **out, int64_t *total)
{
    Mdg__GroupSearch search = MDG__GROUP_SEARCH__INIT;
    Mdg__Groups groups = MDG__GROUPS__INIT;
    Mdg__Response *response = NULL;
    search.text = (char *)text;
    search.limit = limit;
    search.with_ended = with_ended;
    groups.of_case = MDG__GROUPS__OF_SEARCH;
    groups.search = &search;
    int rc = groups_call(ctl, &groups, CTL_READ, &response);
    if (rc != 0) return rc;
    const Mdg__Groups *answer = answer_of(response, MDG__GROUPS__OF_FOUND);
    if (answer) {
        *out = json_array();
        *total = answer->found->total;
        for (size_t i = 0; i < answer->found->n_groups; i++)
            json_array_append_new(*out, group_json(answer->found->groups[i]->group, answer->found->groups[i]->rev));
    }
    mdg__response__free_unpacked(response, NULL);
    return answer ? 0 : MDG_ERR_MALFORMED;
}

static int search_offline(struct ctl *ctl, const char *text, bool with_ended, int limit, json_t **out, int64_t *total)
{
    struct group_book book = {0};
    int rc = group_book_load(ctl, &book);
    if (rc == 0) rc = group_book_search(&book, text, with_ended, limit, out, total);
    if (rc == MDG_ERR_INVALID) ctl_fail(ctl, rc, _("Please give a part of a number, a name or a reading."));
    group_book_fini(&book);
    return rc;
}

static int run_search(struct ctl *ctl)
{
    const char *text = ctl->options.operand, *limit_text = option_text(&ctl->options, "limit");
    bool with_ended = option_is_set(&ctl->options, "with-ended"), is_offline = option_is_set(&ctl->options, "offline");
    int64_t limit = LIMIT_DEFAULT, total = 0;
    json_t *rows = NULL;
    if (limit_text && number_parse(limit_text, 1, LIMIT_MAX, &limit) != 0)
        return ctl_fail(ctl, MDG_ERR_INVALID, _("--limit: please give a number from 1 to %d."), LIMIT_MAX);
    int rc = ctl_open(ctl, (is_offline ? CTL_UNPLUGGED : 0) | CTL_MAY_OFFLINE);
    if (rc != 0) return rc;
    if (ctl_is_online(ctl))
        rc = search_online(ctl, text, with_ended, (int)limit, &rows, &total);
    else
        rc = search_offline(ctl, text, with_ended, (int)limit, &rows, &total);
    if (rc == 0)
        return output_table(ctl, json_pack("{s:o, s:I}", "groups", rows, "total", (json_int_t)total), "groups",
                            COLUMNS);
    if (rows) json_decref(rows);
    return rc;
}

static int run_show(struct ctl *ctl)
{
    static const struct column FACTS[] = {{N_("Group number"), "number", CELL_NUMBER},
                                          {N_("Name"), "name", CELL_TEXT},
                                          {N_("Reading"), "reading", CELL_TEXT},
                                          {N_("Field of activity"), "field", CELL_TEXT},
                                          {N_("First day"), "from_day", CELL_DAY},
                                          {N_("Last day"), "to_day", CELL_DAY},
                                          {N_("Ended"), "is_ended", CELL_MARK},
                                          {N_("Note"), "note", CELL_TEXT},
                                          {NULL, NULL, CELL_TEXT}};
    Mdg__GroupGet get = MDG__GROUP_GET__INIT;
    Mdg__Groups groups = MDG__GROUPS__INIT;
    Mdg__Response *response = NULL;
    struct group_book book = {0};
    const json_t *group = NULL;
    int rc = ctl_open(ctl, ctl->options.operand ? CTL_FEED : 0);
    if (rc == 0 && ctl->options.operand) rc = group_book_load(ctl, &book);
    if (rc == 0 && ctl->options.operand) rc = group_book_find(ctl, &book, ctl->options.operand, &group);
    if (rc == 0) {
        get.id = group ? integer_of(group, "id") : 0;
        groups.of_case = MDG__GROUPS__OF_GET;
        groups.get = &get;
        rc = groups_call(ctl, &groups, CTL_READ, &response);
    }
    const Mdg__Groups *answer = answer_of(response, MDG__GROUPS__OF_GOT);
    if (rc == 0)
        rc = answer ? output_facts(ctl, group_json(answer->got->group, answer->got->rev), FACTS) : MDG_ERR_MALFORMED;
    if (response) mdg__response__free_unpacked(response, NULL);
    group_book_fini(&book);
    return rc;
}

/* --- changing ----------------------------------------------------------------------------------------- */

/* What is not given stays as it is. */
static char *text_option(const struct ctl *ctl, const char *name, const json_t *group)
{
    const char *text = option_text(&ctl->options, name);
    if (!text && group) text = json_string_value(json_object_get(group, name));
    return (char *)(text ? text : "");
}

static int save_fill(struct ctl *ctl, const json_t *group, Mdg__GroupSave *save)
{
    const char *number_text = option_text(&ctl->options, "number");
    int64_t number = 0;
    if (!group && !option_text(&ctl->options, "name"))
        return ctl_fail(ctl, MDG_ERR_INVALID, _("Please give --name for a new one."));
    if (number_text && number_parse(number_text, 1, INT32_MAX, &number) != 0)
        return ctl_fail(ctl, MDG_ERR_INVALID, _("--number: please give a whole number."));
    save->number = (int32_t)number;
    save->name = text_option(ctl, "name", group);
    save->reading = text_option(ctl, "reading", group);
    save->field = text_option(ctl, "field", group);
    save->note = text_option(ctl, "note", group);
    if (group) {
        save->id = integer_of(group, "id");
        save->rev = integer_of(group, "rev");
        save->from_day = (int32_t)integer_of(group, "from_day");
        save->to_day = (int32_t)integer_of(group, "to_day");
    }
    int rc = day_option(ctl, "from", &save->from_day);
    return rc == 0 ? day_option(ctl, "to", &save->to_day) : rc;
}

static int run_save(struct ctl *ctl)
{
    Mdg__GroupSave save = MDG__GROUP_SAVE__INIT;
    Mdg__Groups groups = MDG__GROUPS__INIT;
    Mdg__GroupGet get = MDG__GROUP_GET__INIT;
    Mdg__Response *response = NULL;
    struct group_book book = {0};
    const json_t *group = NULL;
    groups.of_case = MDG__GROUPS__OF_SAVE;
    groups.save = &save;
    int rc = ctl_open(ctl, ctl->options.operand ? CTL_FEED : 0);
    if (rc == 0 && ctl->options.operand) rc = group_book_load(ctl, &book);
    if (rc == 0 && ctl->options.operand) rc = group_book_find(ctl, &book, ctl->options.operand, &group);
    if (rc == 0) rc = save_fill(ctl, group, &save);
    if (rc == 0) rc = groups_write(ctl, &groups, &get.id);
    if (rc == 0) { /* the server chose the number */
        groups.of_case = MDG__GROUPS__OF_GET;
        groups.get = &get;
        rc = groups_call(ctl, &groups, CTL_READ, &response);
    }
    const Mdg__Groups *answer = answer_of(response, MDG__GROUPS__OF_GOT);
    if (rc == 0)
        rc = answer ? output_done(ctl, group_json(answer->got->group, answer->got->rev), _("Group %d: %s."),
                                  (int)answer->got->group->number, answer->got->group->name)
                    : MDG_ERR_MALFORMED;
    if (response) mdg__response__free_unpacked(response, NULL);
    group_book_fini(&book);
    return rc;
}

/* Opens and finds the group that the operand names. */
static int group_open(struct ctl *ctl, struct group_book *book, const json_t **group)
{
    int rc = ctl_open(ctl, CTL_FEED);
    if (rc == 0) rc = group_book_load(ctl, book);
    if (rc == 0) rc = group_book_find(ctl, book, ctl->options.operand, group);
    return rc;
}

static int run_renew(struct ctl *ctl)
{
    Mdg__GroupRenew renew = MDG__GROUP_RENEW__INIT;
    Mdg__Groups groups = MDG__GROUPS__INIT;
    struct group_book book = {0};
    const json_t *group;
    int64_t id = 0;
    groups.of_case = MDG__GROUPS__OF_RENEW;
    groups.renew = &renew;
    int rc = group_open(ctl, &book, &group);
    if (rc == 0) rc = day_option(ctl, "to", &renew.to_day);
    if (rc == 0) {
        renew.id = integer_of(group, "id");
        renew.rev = integer_of(group, "rev");
        rc = groups_write(ctl, &groups, &id);
    }
    group_book_fini(&book);
    return rc != 0 ? rc
                   : output_done(ctl, json_pack("{s:I, s:i}", "id", (json_int_t)id, "to_day", (int)renew.to_day),
                                 _("The group is registered until %04d/%02d/%02d."), (int)(renew.to_day / 10000),
                                 (int)(renew.to_day / 100 % 100), (int)(renew.to_day % 100));
}

static int run_end(struct ctl *ctl)
{
    Mdg__GroupEnd end = MDG__GROUP_END__INIT;
    Mdg__Groups groups = MDG__GROUPS__INIT;
    struct group_book book = {0};
    const json_t *group;
    int64_t id = 0;
    end.reason = (char *)option_text(&ctl->options, "reason");
    groups.of_case = MDG__GROUPS__OF_END;
    groups.end = &end;
    int rc = group_open(ctl, &book, &group);
    if (rc == 0) rc = moment_day_parse("today", mdg_client_now_us(ctl->client), &end.last_day);
    if (rc == 0) rc = day_option(ctl, "last-day", &end.last_day);
    if (rc == 0) {
        end.id = integer_of(group, "id");
        end.rev = integer_of(group, "rev");
        rc = groups_write(ctl, &groups, &id);
    }
    group_book_fini(&book);
    return rc != 0 ? rc
                   : output_done(ctl, json_pack("{s:I, s:i}", "id", (json_int_t)id, "last_day", (int)end.last_day),
                                 _("The group has ended; what it did stays."));
}

/* --- what is the group's own --------------------------------------------------------------------------- */

static int run_pin(struct ctl *ctl)
{
    static const struct column FACTS[] = {
        {N_("Name to sign in"), "name", CELL_TEXT}, {N_("PIN"), "pin", CELL_TEXT}, {NULL, NULL, CELL_TEXT}};
    Mdg__GroupPinIssue issue = MDG__GROUP_PIN_ISSUE__INIT;
    Mdg__Groups groups = MDG__GROUPS__INIT;
    Mdg__Response *response = NULL;
    struct group_book book = {0};
    const json_t *group = NULL;
    groups.of_case = MDG__GROUPS__OF_PIN_ISSUE;
    groups.pin_issue = &issue;
    int rc = group_open(ctl, &book, &group);
    if (rc == 0) {
        issue.id = integer_of(group, "id");
        rc = groups_call(ctl, &groups, CTL_WRITE, &response);
    }
    const Mdg__Groups *answer = answer_of(response, MDG__GROUPS__OF_PIN_ISSUED);
    if (rc == 0 && !answer) rc = MDG_ERR_MALFORMED;
    if (rc == 0)
        rc = output_facts(ctl,
                          json_pack("{s:I, s:o, s:s}", "id", (json_int_t)issue.id, "name",
                                    json_sprintf("%lld", (long long)integer_of(group, "number")), "pin",
                                    answer->pin_issued->pin),
                          FACTS);
    if (response) mdg__response__free_unpacked(response, NULL);
    group_book_fini(&book);
    return rc;
}

static const char *const CONTACT_OPTIONS[] = {"representative", "phone", "mail", "address"};

static bool contact_is_given(const struct ctl *ctl)
{
    for (size_t i = 0; i < sizeof CONTACT_OPTIONS / sizeof CONTACT_OPTIONS[0]; i++)
        if (option_text(&ctl->options, CONTACT_OPTIONS[i])) return true;
    return false;
}

static int contact_get(struct ctl *ctl, int64_t id, Mdg__Response **response)
{
    Mdg__GroupContactGet get = MDG__GROUP_CONTACT_GET__INIT;
    Mdg__Groups groups = MDG__GROUPS__INIT;
    get.id = id;
    groups.of_case = MDG__GROUPS__OF_CONTACT_GET;
    groups.contact_get = &get;
    return groups_call(ctl, &groups, CTL_READ, response);
}

static int contact_show(struct ctl *ctl, int64_t id)
{
    static const struct column FACTS[] = {{N_("Representative"), "representative", CELL_TEXT},
                                          {N_("Telephone"), "phone", CELL_TEXT},
                                          {N_("E-mail"), "mail", CELL_TEXT},
                                          {N_("Address"), "address", CELL_TEXT},
                                          {NULL, NULL, CELL_TEXT}};
    Mdg__Response *response = NULL;
    int rc = contact_get(ctl, id, &response);
    const Mdg__Groups *answer = answer_of(response, MDG__GROUPS__OF_CONTACT);
    if (rc == 0 && !answer) rc = MDG_ERR_MALFORMED;
    if (rc == 0)
        rc = output_facts(ctl,
                          json_pack("{s:s, s:s, s:s, s:s}", "representative", answer->contact->representative, "phone",
                                    answer->contact->phone, "mail", answer->contact->mail, "address",
                                    answer->contact->address),
                          FACTS);
    if (response) mdg__response__free_unpacked(response, NULL);
    return rc;
}

/* What is not given stays, so what is there is read first. */
static int contact_set(struct ctl *ctl, int64_t id)
{
    Mdg__GroupContactSet set = MDG__GROUP_CONTACT_SET__INIT;
    Mdg__GroupContact contact = MDG__GROUP_CONTACT__INIT;
    Mdg__Groups groups = MDG__GROUPS__INIT;
    Mdg__Response *response = NULL;
    int rc = contact_get(ctl, id, &response);
    if (rc == MDG_ERR_NOT_FOUND && id != 0) rc = 0; /* the key is lost: what is given stands alone */
    const Mdg__Groups *answer = answer_of(response, MDG__GROUPS__OF_CONTACT);
    if (answer) contact = *answer->contact;
    char **const fields[] = {&contact.representative, &contact.phone, &contact.mail, &contact.address};
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        const char *text = option_text(&ctl->options, CONTACT_OPTIONS[i]);
        if (text) *fields[i] = (char *)text;
    }
    set.id = id;
    set.contact = &contact;
    groups.of_case = MDG__GROUPS__OF_CONTACT_SET;
    groups.contact_set = &set;
    if (rc == 0) rc = groups_write(ctl, &groups, &id);
    if (response) mdg__response__free_unpacked(response, NULL);
    return rc != 0 ? rc : output_done(ctl, json_pack("{s:I}", "id", (json_int_t)id), _("The contact is kept."));
}

static int run_contact(struct ctl *ctl)
{
    struct group_book book = {0};
    const json_t *group = NULL;
    int rc = ctl->options.operand ? group_open(ctl, &book, &group) : ctl_open(ctl, 0);
    int64_t id = group ? integer_of(group, "id") : 0;
    if (rc == 0) rc = contact_is_given(ctl) ? contact_set(ctl, id) : contact_show(ctl, id);
    group_book_fini(&book);
    return rc;
}

const struct ctl_command GROUP_COMMANDS[] = {
    {"group list",
     NULL,
     N_("Show the registered groups by reading."),
     run_list,
     {{"all", NULL, N_("also those that ended"), false, NULL}}},
    {"group search",
     "TEXT",
     N_("Find groups by any part of number, name or reading."),
     run_search,
     {{"limit", "N", N_("at most so many, 1 to 100"), false, NULL},
      {"with-ended", NULL, N_("also those that ended"), false, NULL},
      {"offline", NULL, N_("in this terminal's own copy"), false, NULL}}},
    {"group show", "[GROUP]", N_("Show a group; at the lounge the own one."), run_show, {{0}}},
    {"group save",
     "[GROUP]",
     N_("Write down a group, or change the one that is named."),
     run_save,
     {{"name", "NAME", N_("its name"), false, NULL},
      {"reading", "KANA", N_("reading, for searching and sorting"), false, NULL},
      {"number", "N", N_("its number; else the next free one"), false, NULL},
      {"field", "TEXT", N_("field of activity"), false, NULL},
      {"from", "DAY", N_("first day of the term, by the office"), false, NULL},
      {"to", "DAY", N_("last day of the term, by the office"), false, NULL},
      {"note", "TEXT", N_("a note, without personal data"), false, NULL}}},
    {"group renew",
     "GROUP",
     N_("Set a new last day of the term."),
     run_renew,
     {{"to", "DAY", N_("last day of the term"), true, NULL}}},
    {"group end",
     "GROUP",
     N_("End a group's registration; what it did stays."),
     run_end,
     {{"reason", "TEXT", N_("why, in your own words"), true, NULL},
      {"last-day", "DAY", N_("its last day; else today"), false, NULL}}},
    {"group pin", "GROUP", N_("Make a new PIN for the lounge and show it once."), run_pin, {{0}}},
    {"group contact",
     "[GROUP]",
     N_("Show the contact of a group, or change what is given; reading it is recorded."),
     run_contact,
     {{"representative", "NAME", N_("who speaks for it"), false, NULL},
      {"phone", "TEXT", N_("telephone"), false, NULL},
      {"mail", "ADDRESS", N_("e-mail"), false, NULL},
      {"address", "TEXT", N_("postal address"), false, NULL}}},
    {0},
};
