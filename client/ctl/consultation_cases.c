#include "client/ctl/consultation_cases.h"

#include <stdio.h>
#include <string.h>

#include "common/day.h"
#include "common/locale.h"

#define ROW_GROUP 10201u

static const char *const CHANNELS[] = {"", "visit", "phone", "mail"};
static const char *const CLIENTS[] = {"", "person", "group", "company", "government"};
static const char *const OUTCOMES[] = {"", "solved", "referred", "ended"};
#define COUNT_OF(words) ((int)(sizeof(words) / sizeof(words)[0]))

static int word_number(const char *const *words, int count, const char *word)
{
    for (int i = 1; i < count; i++)
        if (strcmp(words[i], word) == 0) return i;
    return 0;
}

int consultation_channel_of(const char *word)
{
    return word_number(CHANNELS, COUNT_OF(CHANNELS), word);
}

int consultation_client_of(const char *word)
{
    return word_number(CLIENTS, COUNT_OF(CLIENTS), word);
}

int consultation_outcome_of(const char *word)
{
    return word_number(OUTCOMES, COUNT_OF(OUTCOMES), word);
}

/* A newer server may know more of them. */
static const char *word_of(const char *const *words, int count, int number)
{
    return number > 0 && number < count ? words[number] : "";
}

json_t *consultation_head_json(const Mdg__ConsultationHead *head)
{
    char number[32];
    snprintf(number, sizeof number, "%d-%d", (int)head->fiscal_year, (int)head->number);
    json_t *row = json_pack("{s:I, s:I, s:s, s:I, s:s, s:s, s:I, s:s, s:I, s:i, s:b}", "id", (json_int_t)head->id,
                            "rev", (json_int_t)head->rev, "number", number, "opened_us", (json_int_t)head->opened_us,
                            "channel", word_of(CHANNELS, COUNT_OF(CHANNELS), (int)head->channel), "client",
                            word_of(CLIENTS, COUNT_OF(CLIENTS), (int)head->client), "group_id",
                            (json_int_t)head->group_id, "topic", head->topic, "owner_id", (json_int_t)head->owner_id,
                            "follow_up_day", (int)head->follow_up_day, "is_closed", head->is_closed);
    json_t *more = json_pack("{s:s, s:s, s:i, s:i, s:i, s:i, s:b}", "outcome",
                             word_of(OUTCOMES, COUNT_OF(OUTCOMES), (int)head->outcome), "referral", head->referral,
                             "minutes", (int)head->minutes, "entries", (int)head->entries, "people", (int)head->people,
                             "erase_day", (int)head->erase_day, "is_erased", head->is_erased);
    json_object_update(row, more);
    json_decref(more);
    return row;
}

int consultations_call(struct ctl *ctl, Mdg__Consultations *consultations, enum ctl_access access, Mdg__Response **out)
{
    Mdg__Body body = MDG__BODY__INIT;
    body.domain_case = MDG__BODY__DOMAIN_CONSULTATIONS;
    body.consultations = consultations;
    return ctl_call(ctl, &body, access, NULL, out);
}

/* --- finding one -------------------------------------------------------------------------------------- */

struct wanted {
    int64_t id, opened_us;   /* 0: not by this one */
    int fiscal_year, number; /* 0: not by them */
    struct consultation_case found;
};

static void look_at(struct wanted *wanted, const Mdg__ConsultationHead *head)
{
    bool is_it = (wanted->id != 0 && head->id == wanted->id) ||
                 (wanted->opened_us != 0 && head->opened_us == wanted->opened_us) ||
                 (wanted->number != 0 && head->fiscal_year == wanted->fiscal_year && head->number == wanted->number);
    if (is_it) wanted->found = (struct consultation_case){head->id, head->rev, head->fiscal_year, head->number};
}

static void on_head(const Mdg__Row *row, void *arg)
{
    if (row->body && row->body->domain_case == MDG__BODY__DOMAIN_CONSULTATIONS &&
        row->body->consultations->of_case == MDG__CONSULTATIONS__OF_HEAD_ROW)
        look_at(arg, row->body->consultations->head_row);
}

/* The pages of what the server finds, until the wanted one is among them. */
static int look_at_server(struct ctl *ctl, Mdg__ConsultationFind *find, struct wanted *wanted)
{
    bool has_more = true;
    int rc = 0;
    while (rc == 0 && has_more && wanted->found.id == 0) {
        Mdg__Consultations consultations = MDG__CONSULTATIONS__INIT;
        Mdg__Response *response = NULL;
        consultations.of_case = MDG__CONSULTATIONS__OF_FIND;
        consultations.find = find;
        has_more = false;
        rc = consultations_call(ctl, &consultations, CTL_READ, &response);
        if (rc != 0) break;
        if (response->body && response->body->domain_case == MDG__BODY__DOMAIN_CONSULTATIONS &&
            response->body->consultations->of_case == MDG__CONSULTATIONS__OF_FOUND) {
            const Mdg__ConsultationFound *found = response->body->consultations->found;
            for (size_t i = 0; i < found->n_cases; i++) {
                look_at(wanted, found->cases[i]);
                find->after_id = found->cases[i]->id;
            }
            has_more = found->has_more && found->n_cases > 0;
        }
        mdg__response__free_unpacked(response, NULL);
    }
    return rc;
}

int consultation_case_find(struct ctl *ctl, const char *text, struct consultation_case *found)
{
    struct wanted wanted = {0};
    char number[32];
    int end = 0, rc = 0;
    bool is_number = strspn(text, "0123456789-") == strlen(text) && strlen(text) < 16 &&
                     sscanf(text, "%4d-%d%n", &wanted.fiscal_year, &wanted.number, &end) == 2 && !text[end];
    if (!is_number && number_parse(text, 1, INT64_MAX, &wanted.id) != 0)
        return ctl_fail(ctl, MDG_ERR_INVALID, _("Please give the number of the case, such as 2026-17."));
    if (!is_number) wanted.fiscal_year = wanted.number = 0;
    if (ctl_is_online(ctl) && is_number) { /* the server knows closed ones too, and the newest rev */
        Mdg__ConsultationFind find = MDG__CONSULTATION_FIND__INIT;
        snprintf(number, sizeof number, "%d-%d", wanted.fiscal_year, wanted.number);
        find.text = number;
        rc = look_at_server(ctl, &find, &wanted);
    } else {
        rc = mdg_replica_each(ctl->client, ROW_CONSULTATION_HEAD, on_head, &wanted);
    }
    if (rc != 0) return rc;
    if (wanted.found.id == 0) return ctl_fail(ctl, MDG_ERR_NOT_FOUND, _("There is no case %s here."), text);
    *found = wanted.found;
    return 0;
}

int consultation_case_opened(struct ctl *ctl, int64_t opened_us, struct consultation_case *found)
{
    struct wanted wanted = {.opened_us = opened_us};
    Mdg__ConsultationFind find = MDG__CONSULTATION_FIND__INIT;
    find.from_day = find.to_day = day_of_us(opened_us);
    int rc = look_at_server(ctl, &find, &wanted);
    if (rc != 0) return rc;
    *found = wanted.found;
    return wanted.found.id != 0 ? 0 : MDG_ERR_NOT_FOUND;
}

/* --- groups ------------------------------------------------------------------------------------------- */

struct wanted_group {
    int64_t number, id;
};

static void on_group(const Mdg__Row *row, void *arg)
{
    struct wanted_group *wanted = arg;
    if (!row->body || row->body->domain_case != MDG__BODY__DOMAIN_GROUPS ||
        row->body->groups->of_case != MDG__GROUPS__OF_GROUP_ROW)
        return;
    if (row->body->groups->group_row->number == wanted->number) wanted->id = row->body->groups->group_row->id;
}

int consultation_group_find(struct ctl *ctl, const char *text, int64_t *group_id)
{
    struct wanted_group wanted = {0};
    if (number_parse(text, 1, INT32_MAX, &wanted.number) != 0)
        return ctl_fail(ctl, MDG_ERR_INVALID, _("--group: please give the group's number."));
    int rc = mdg_replica_each(ctl->client, ROW_GROUP, on_group, &wanted);
    if (rc == 0 && wanted.id == 0)
        return ctl_fail(ctl, MDG_ERR_NOT_FOUND, _("This terminal knows no group of number %s."), text);
    *group_id = wanted.id;
    return rc;
}
