/* Every status that a caller can provoke, and that a refused call changes nothing. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "byte_track.h"

static byte_track_tracker tracker;
static byte_track_tracker before;
static byte_track_workspace work;
static byte_track_box boxes[BYTE_TRACK_MAX_BOXES + 1u];
static byte_track_output outputs[BYTE_TRACK_MAX_BOXES];
static int faults;

static void expect(byte_track_status found, byte_track_status wanted, const char *what)
{
    if (found != wanted || memcmp(&tracker, &before, sizeof tracker) != 0) {
        ++faults;
        (void)printf("%s: %s\n", what, byte_track_message(found));
    }
}

static byte_track_status step(size_t count)
{
    size_t found = 77;
    const byte_track_status status = byte_track_step(&tracker, &work, boxes, count, outputs, &found);
    if (status > BYTE_TRACK_FULL && found != 0) {
        ++faults;
        (void)printf("a refused call returned %lu tracks\n", (unsigned long)found);
    }
    return status;
}

static void expect_step(float *field, float value, byte_track_status wanted, const char *what)
{
    const float was = *field;
    *field = value;
    expect(step(2), wanted, what);
    *field = was;
}

int main(void)
{
    const byte_track_box good = {10.0f, 10.0f, 20.0f, 40.0f, 0.9f, 0};
    const float wrong[] = {NAN, INFINITY, -INFINITY, 2097152.0f, -2097152.0f};
    byte_track_options options;
    size_t found;
    for (size_t i = 0; i <= BYTE_TRACK_MAX_BOXES; ++i) {
        boxes[i] = good;
    }
    expect(byte_track_defaults(NULL), BYTE_TRACK_NULL, "defaults of nothing");
    expect(byte_track_defaults(&options), BYTE_TRACK_OK, "defaults");
    expect(byte_track_init(&tracker, &options), BYTE_TRACK_BAD_FRAME_RATE, "the frame rate is not said");
    options.frame_rate = 30.0;
    expect(byte_track_init(NULL, &options), BYTE_TRACK_NULL, "no tracker");
    expect(byte_track_init(&tracker, NULL), BYTE_TRACK_NULL, "no options");
    options.match_thresh = NAN;
    expect(byte_track_init(&tracker, &options), BYTE_TRACK_BAD_OPTION, "an option that is no number");
    options.match_thresh = 0.8f;
    expect(step(0), BYTE_TRACK_NOT_READY, "not initialised");
    (void)byte_track_init(&tracker, &options);
    (void)step(2);
    memcpy(&before, &tracker, sizeof before);

    expect(byte_track_init(&tracker, NULL), BYTE_TRACK_NULL, "no options for a running tracker");
    expect(step(BYTE_TRACK_MAX_BOXES + 1u), BYTE_TRACK_TOO_MANY, "too many boxes");
    expect(byte_track_step(NULL, &work, boxes, 1, outputs, &found), BYTE_TRACK_NULL, "no tracker");
    expect(byte_track_step(&tracker, NULL, boxes, 1, outputs, &found), BYTE_TRACK_NULL, "no workspace");
    expect(byte_track_step(&tracker, &work, NULL, 1, outputs, &found), BYTE_TRACK_NULL, "no boxes");
    expect(byte_track_step(&tracker, &work, boxes, 1, NULL, &found), BYTE_TRACK_NULL, "no outputs");
    expect(byte_track_step(&tracker, &work, boxes, 1, outputs, NULL), BYTE_TRACK_NULL, "no count");
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; ++i) {
        expect_step(&boxes[1].x, wrong[i], BYTE_TRACK_BAD_BOX, "x");
        expect_step(&boxes[1].y, wrong[i], BYTE_TRACK_BAD_BOX, "y");
        expect_step(&boxes[1].width, wrong[i], BYTE_TRACK_BAD_BOX, "width");
        expect_step(&boxes[1].height, wrong[i], BYTE_TRACK_BAD_BOX, "height");
        expect_step(&boxes[1].score, wrong[i], BYTE_TRACK_BAD_SCORE, "score");
    }
    expect_step(&boxes[1].width, 0.0f, BYTE_TRACK_BAD_BOX, "no width");
    expect_step(&boxes[1].height, -5.0f, BYTE_TRACK_BAD_BOX, "a negative height");
    tracker.frame = UINT32_MAX;
    before.frame = UINT32_MAX;
    expect(step(0), BYTE_TRACK_EXHAUSTED, "no frame numbers left");
    tracker.frame = 5;
    before.frame = 5;
    tracker.last_id = UINT32_MAX - 1u;
    before.last_id = UINT32_MAX - 1u;
    expect(step(2), BYTE_TRACK_EXHAUSTED, "no ids left");
    if (byte_track_step(&tracker, &work, NULL, 0, NULL, &found) != BYTE_TRACK_OK || step(1) != BYTE_TRACK_OK) {
        ++faults;
        (void)printf("a frame without boxes, and one with the last id\n");
    }
    if (faults == 0) {
        (void)printf("fine\n");
    }
    return faults != 0;
}
