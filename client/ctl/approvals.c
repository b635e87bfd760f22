/* client/ctl/approvals.c - what waits for a second person. */
#include "client/ctl/ctl.h"
#include "client/ctl/families.h"
#include "client/ctl/output.h"
#include "common/locale.h"

static int approvals_call(struct ctl *ctl, Mdg__Approvals *approvals, enum ctl_access access, Mdg__Response **out)
{
    Mdg__Body body = MDG__BODY__INIT;
    body.domain_case = MDG__BODY__DOMAIN_APPROVALS;
    body.approvals = approvals;
    return ctl_call(ctl, &body, access, NULL, out);
}

static json_t *approval_json(const Mdg__Approval *approval)
{
    return json_pack("{s:I, s:s, s:I, s:I, s:s, s:I, s:I}", "id", (json_int_t)approval->id, "operation",
                     approval->operation, "object_id", (json_int_t)approval->object_id, "asked_by",
                     (json_int_t)approval->asked_by, "asked_by_name", approval->asked_by_name, "asked_us",
                     (json_int_t)approval->asked_us, "until_us", (json_int_t)approval->until_us);
}

static int run_list(struct ctl *ctl)
{
    static const struct column COLUMNS[] = {{N_("Number"), "id", CELL_NUMBER},
                                            {N_("What"), "operation", CELL_TEXT},
                                            {N_("Object"), "object_id", CELL_NUMBER},
                                            {N_("Asked by"), "asked_by_name", CELL_TEXT},
                                            {N_("Asked"), "asked_us", CELL_INSTANT},
                                            {N_("Until"), "until_us", CELL_INSTANT},
                                            {NULL, NULL, CELL_TEXT}};
    Mdg__ApprovalList list = MDG__APPROVAL_LIST__INIT;
    Mdg__Approvals approvals = MDG__APPROVALS__INIT;
    Mdg__Response *response = NULL;
    approvals.of_case = MDG__APPROVALS__OF_LIST;
    approvals.list = &list;
    int rc = ctl_open(ctl, 0);
    if (rc == 0) rc = approvals_call(ctl, &approvals, CTL_READ, &response);
    if (rc != 0) return rc;
    json_t *rows = json_array();
    if (response->body && response->body->domain_case == MDG__BODY__DOMAIN_APPROVALS &&
        response->body->approvals->of_case == MDG__APPROVALS__OF_LISTED) {
        const Mdg__ApprovalListed *listed = response->body->approvals->listed;
        for (size_t i = 0; i < listed->n_approvals; i++)
            json_array_append_new(rows, approval_json(listed->approvals[i]));
    }
    mdg__response__free_unpacked(response, NULL);
    return output_table(ctl, json_pack("{s:o}", "approvals", rows), "approvals", COLUMNS);
}

static int run_decide(struct ctl *ctl)
{
    int64_t id;
    bool is_approved = option_is_set(&ctl->options, "approve");
    if (number_parse(ctl->options.operand, 1, INT64_MAX, &id) != 0)
        return ctl_fail(ctl, MDG_ERR_INVALID, _("Please give the number of the approval."));
    if (is_approved == option_is_set(&ctl->options, "refuse"))
        return ctl_fail(ctl, MDG_ERR_INVALID, _("Please give either --approve or --refuse."));
    Mdg__ApprovalDecide decide = MDG__APPROVAL_DECIDE__INIT;
    Mdg__Approvals approvals = MDG__APPROVALS__INIT;
    decide.approval_id = id;
    decide.is_approved = is_approved;
    approvals.of_case = MDG__APPROVALS__OF_DECIDE;
    approvals.decide = &decide;
    int rc = ctl_open(ctl, 0);
    if (rc == 0) rc = approvals_call(ctl, &approvals, CTL_WRITE, NULL);
    if (rc != 0) return rc;
    return output_done(ctl, json_pack("{s:I, s:b}", "approval_id", (json_int_t)id, "is_approved", is_approved), "%s",
                       is_approved ? _("Approved and carried out.") : _("Refused; nothing was changed."));
}

const struct ctl_command APPROVAL_COMMANDS[] = {
    {"approval list", NULL, N_("Show what waits for a second person."), run_list, {{0}}},
    {"approval decide",
     "ID",
     N_("Decide as the second person, or withdraw what you asked for."),
     run_decide,
     {{"approve", NULL, N_("carry it out"), false, NULL}, {"refuse", NULL, N_("refuse or withdraw it"), false, NULL}}},
    {0},
};
