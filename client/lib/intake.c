#include "client/lib/intake.h"

#include <stdlib.h>

#include "common/error.h"

static const Mdg__ConsultationContent *plain_of(const Mdg__Body *body)
{
    if (body->domain_case != MDG__BODY__DOMAIN_CONSULTATIONS) return NULL;
    const Mdg__Consultations *consultations = body->consultations;
    if (consultations->of_case == MDG__CONSULTATIONS__OF_INTAKE &&
        consultations->intake->content_case == MDG__CONSULTATION_INTAKE__CONTENT_PLAIN)
        return consultations->intake->plain;
    if (consultations->of_case == MDG__CONSULTATIONS__OF_ADD &&
        consultations->add->content_case == MDG__CONSULTATION_ADD__CONTENT_PLAIN)
        return consultations->add->plain;
    return NULL;
}

/* The same call, with the box where the text was. */
static void put_box(struct intake_wrap *wrap, const Mdg__Body *body, size_t length)
{
    const ProtobufCBinaryData box = {length, wrap->box};
    wrap->sealed = *body;
    wrap->consultations = *body->consultations;
    wrap->sealed.consultations = &wrap->consultations;
    if (wrap->consultations.of_case == MDG__CONSULTATIONS__OF_INTAKE) {
        wrap->intake = *body->consultations->intake;
        wrap->intake.content_case = MDG__CONSULTATION_INTAKE__CONTENT_SEALED;
        wrap->intake.sealed = box;
        wrap->consultations.intake = &wrap->intake;
    } else {
        wrap->add = *body->consultations->add;
        wrap->add.content_case = MDG__CONSULTATION_ADD__CONTENT_SEALED;
        wrap->add.sealed = box;
        wrap->consultations.add = &wrap->add;
    }
    wrap->body = &wrap->sealed;
}

int intake_wrap_init(struct intake_wrap *wrap, const struct profile *profile, const Mdg__Body *body)
{
    size_t length = 0;
    const Mdg__ConsultationContent *plain = plain_of(body);
    *wrap = (struct intake_wrap){.body = body};
    if (!plain) return 0;
    if (!profile->has_intake_key) return MDG_ERR_OFFLINE;
    int rc = intake_box_seal(profile->intake_key, plain, &wrap->box, &length);
    if (rc == 0) put_box(wrap, body, length);
    return rc;
}

void intake_wrap_fini(struct intake_wrap *wrap)
{
    free(wrap->box);
    *wrap = (struct intake_wrap){.body = NULL};
}
