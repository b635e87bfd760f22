/* tests/print/sample.c - prints the day sheet of an invented day: print_sample NAME FILE. Names: day (as on the picture
 * of the design), states, empty, closed, many (60 rooms), long (names of 200 characters). */
#include <stdio.h>
#include <string.h>

#include "client/print/day_sheet.h"
#include "common/day.h"
#include "common/locale.h"

#define DAY 20261124

static int64_t at(int hour, int minute)
{
    return hour < 24 ? day_to_us(DAY, hour * 60 + minute) : day_to_us(day_add(DAY, 1), (hour - 24) * 60 + minute);
}

static void room(struct desk_day *day, int64_t id, const char *name)
{
    desk_day_add_room(day, &(struct desk_room){.id = id, .name = name, .position = (int)id});
}

static void booking(struct desk_day *day, int64_t room_id, int from, int to, const char *who, const char *purpose,
                    int people, enum desk_state state)
{
    desk_day_add_booking(day, &(struct desk_booking){.id = (int64_t)day->bookings_count + 1,
                                                     .room_id = room_id,
                                                     .start_us = at(from / 100, from % 100),
                                                     .end_us = at(to / 100, to % 100),
                                                     .who = who,
                                                     .purpose = purpose,
                                                     .people = people,
                                                     .state = state});
}

static void purposes(struct desk_day *day)
{
    static const char *const NAMES[] = {"会議", "相談", "印刷", "閲覧", "カフェ", "講座", "見学", "その他"};
    for (int i = 0; i < 8; i++)
        desk_day_add_count(day, &(struct desk_count){.place_id = 1,
                                                     .purpose_id = i + 1,
                                                     .place = "玄関",
                                                     .purpose = NAMES[i],
                                                     .purpose_position = i + 1,
                                                     .is_offered = true});
}

static void sample_day(struct desk_day *day)
{
    static const char *const ROOMS[] = {"会議室A", "会議室B", "研修室", "印刷室", "相談室", "談話コーナー"};
    for (int i = 0; i < 6; i++) room(day, i + 1, ROOMS[i]);
    booking(day, 1, 1000, 1200, "みどりの会", "役員会", 8, DESK_CONFIRMED);
    booking(day, 1, 1300, 1500, "さくら読書会", "例会", 12, DESK_CONFIRMED);
    booking(day, 1, 1530, 1730, "まちづくり談話会", "話し合い", 9, DESK_CONFIRMED);
    booking(day, 1, 1830, 2030, "英会話ひろば", "例会", 10, DESK_TENTATIVE);
    booking(day, 2, 1030, 1230, "子育てネット そら", "打ち合わせ", 6, DESK_CONFIRMED);
    booking(day, 2, 1300, 1600, "地域の足を考える会", "定例会", 14, DESK_CONFIRMED);
    booking(day, 2, 1800, 2100, "朗読ひびき", "公開練習", 18, DESK_CONFIRMED);
    booking(day, 3, 1330, 1700, "スマホ講座 第3回", "センターの講座", 20, DESK_CONFIRMED);
    booking(day, 3, 1800, 2000, "合唱団こだま", "練習", 25, DESK_TENTATIVE);
    booking(day, 4, 1300, 1400, "広報つむぎ", "会報の印刷", 3, DESK_CONFIRMED);
    booking(day, 4, 1500, 1600, "里山くらぶ", "ちらし", 2, DESK_CONFIRMED);
    booking(day, 5, 1100, 1200, "相談", "", 1, DESK_CONFIRMED);
    booking(day, 5, 1400, 1500, "相談", "", 2, DESK_CONFIRMED);
    booking(day, 5, 1600, 1700, "相談", "", 1, DESK_CONFIRMED);
    booking(day, 6, 1000, 1200, "ふれあいカフェ", "だれでも", 0, DESK_CONFIRMED);
    desk_day_add_case(day,
                      &(struct desk_case){.fiscal_year = 2026, .number = 44, .follow_up_day = DAY, .owner = "桔梗"});
    desk_day_add_case(
        day, &(struct desk_case){.fiscal_year = 2026, .number = 31, .follow_up_day = DAY - 1, .owner = "桔梗"});
    purposes(day);
}

static void sample_states(struct desk_day *day)
{
    static const enum desk_state STATES[] = {DESK_ENDED,     DESK_NO_SHOW,   DESK_IN_USE,
                                             DESK_CONFIRMED, DESK_TENTATIVE, DESK_CONFIRMED};
    static const char *const NAMES[] = {"終わった会",   "来なかった会",     "使っている会",
                                        "まだ来ない会", "まだ決まらない会", "夕方の会"};
    day->hours.open_minute = 9 * 60 + 30;
    for (int i = 0; i < 6; i++) {
        char name[32];
        snprintf(name, sizeof name, "部屋%d", i + 1);
        room(day, i + 1, name);
        booking(day, i + 1, 1000 + i * 10, 1130 + i * 100, NAMES[i], "例会", i, STATES[i]);
    }
    booking(day, 1, 2200, 3400, "夜通しの会", "年越し", 0, DESK_CONFIRMED);
    booking(day, 2, 1900, 1915, "短い会", "鍵の受け渡し", 1, DESK_CONFIRMED);
    purposes(day);
}

static void sample_many(struct desk_day *day)
{
    for (int r = 1; r <= 60; r++) {
        char name[32], who[64];
        snprintf(name, sizeof name, "第%d会議室", r);
        room(day, r, name);
        for (int i = 0; i < 1 + r % 5; i++) {
            snprintf(who, sizeof who, "団体%d-%d", r, i + 1);
            booking(day, r, 1000 + i * 200, 1200 + i * 200, who, "例会", i + 1, DESK_CONFIRMED);
        }
    }
    purposes(day);
}

static const char *repeated(char *out, const char *part, int count)
{
    out[0] = '\0';
    for (int i = 0; i < count; i++) memcpy(out + (size_t)i * strlen(part), part, strlen(part) + 1);
    return out;
}

/* Ends in a mark, so that a cut end is seen. */
static void sample_long(struct desk_day *day)
{
    char name[1200], who[1200];
    repeated(name, "長い名前の部屋", 28);
    memcpy(name + strlen(name), "終室", sizeof "終室");
    room(day, 1, name);
    room(day, 2, "会議室B");
    for (int i = 0; i < 4; i++) {
        repeated(who, "とても長い名前の会", 22);
        snprintf(who + strlen(who), 32, "E%dE", i + 1);
        booking(day, 1 + i / 3, 1000 + i * 200, 1200 + i * 200, who, who, 9999, DESK_TENTATIVE);
    }
    for (int i = 0; i < 40; i++)
        desk_day_add_case(
            day, &(struct desk_case){.fiscal_year = 2026, .number = i + 1, .follow_up_day = DAY, .owner = "担当"});
    purposes(day);
}

static void sample_nothing(struct desk_day *day)
{
    room(day, 1, "会議室A");
    purposes(day);
}

static const struct {
    const char *name;
    void (*fill)(struct desk_day *day);
    bool is_closed;
} SAMPLES[] = {{"day", sample_day, false},   {"states", sample_states, false}, {"empty", sample_nothing, false},
               {"closed", sample_day, true}, {"many", sample_many, false},     {"long", sample_long, false}};

int main(int argc, char **argv)
{
    struct desk_day day;
    struct page_file file;
    size_t i = 0;
    locale_open();
    if (argc != 3 || day_zone_set("Asia/Tokyo") != 0) return 2;
    while (i < sizeof SAMPLES / sizeof SAMPLES[0] && strcmp(SAMPLES[i].name, argv[1]) != 0) i++;
    if (i == sizeof SAMPLES / sizeof SAMPLES[0]) return 2;
    desk_day_init(&day, DAY);
    day.hours =
        (struct desk_hours){true, !SAMPLES[i].is_closed, 10 * 60, 21 * 60, "", SAMPLES[i].is_closed ? "点検" : ""};
    SAMPLES[i].fill(&day);
    desk_day_finish(&day);
    bool is_morning = strcmp(argv[1], "day") == 0;
    const struct day_sheet sheet = {.day = &day,
                                    .centre = "市民活動センター",
                                    .printed_us = is_morning ? at(9, 42) : at(14, 0),
                                    .terminal = "受付1",
                                    .person = "山吹",
                                    .purpose = "当日の運営",
                                    .audit_seq = 48211,
                                    .audit_hash = {0x7f, 0x3a, 0x91, 0xc2, 0x0b, 0x6e, 0xd4, 0x15}};
    int rc = day_sheet_print(&sheet, &file);
    FILE *out = rc == 0 ? fopen(argv[2], "wb") : NULL;
    if (!out || fwrite(file.bytes, 1, file.length, out) != file.length || fclose(out) != 0) rc = -1;
    printf("rc=%d pages=%d unknown_glyphs=%d\n", rc, file.pages, file.unknown_glyphs);
    page_file_fini(&file);
    desk_day_fini(&day);
    return rc == 0 ? 0 : 1;
}
