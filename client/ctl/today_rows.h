/* client/ctl/today_rows.h - the desk's day put together out of the replica's rows. */
#ifndef MADOGUCHI_CLIENT_CTL_TODAY_ROWS_H
#define MADOGUCHI_CLIENT_CTL_TODAY_ROWS_H

#include "client/ctl/ctl.h"
#include "client/print/desk_day.h"

#define ROW_OPENING_HOURS 8201u
#define ROW_CLOSED_DAY 8202u
#define ROW_HOLIDAY 8203u
#define ROW_ROOM 9201u
#define ROW_GROUP 10201u
#define ROW_BOOKING 11201u
#define ROW_CONSULTATION 12201u

/* What is collected while the rows come, in any order. */
struct today_rows {
    struct desk_day *day; /* borrowed, initialised */
    int64_t person_id;    /* who is signed in, and is named as owner of cases; 0: nobody */
    const char *person_name;
    int32_t hours_from_day;    /* since when the opening hours hold that were taken up; 0: none yet */
    struct desk_hours weekly;  /* what they say of the day if it is no holiday … */
    struct desk_hours holiday; /* … and if it is one */
    bool is_year_imported;     /* its holidays are those of the list, not those of the law */
    char holiday_name[100], closed_reason[130];
    int rc; /* the first error */
};

/* One row; kinds that do not matter are passed over. Fits mdg_replica_each(). */
void today_take_row(const Mdg__Row *row, void *rows);
/* After the last one: what opening hours, holidays and closed days make of the day. */
void today_rows_end(struct today_rows *rows);
/* A booking of a room or with a title of advice shows neither name nor topic; others the group, or the applicant. */
int today_name(struct desk_day *day, struct desk_booking *booking, const char *group_name);

/* Everything from the replica of an opened client. The caller frees *day with desk_day_fini(), also after an error. */
int today_load(struct ctl *ctl, int32_t local_day, struct desk_day *day);

#endif
