/* Any bytes as calls of the tracker, and what must hold after each.
 *
 * With -fsanitize=fuzzer a libFuzzer target; with -DSEEDS a program of its own that makes its bytes: `fuzz_track RUNS`.
 * Generated with the prefix byte and small capacities, so that tables fill up.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "byte_track.h"

#define REQUIRE(what)                                                     \
    do {                                                                  \
        if (!(what)) {                                                    \
            (void)fprintf(stderr, "line %d: not so: %s\n", __LINE__, #what); \
            abort();                                                      \
        }                                                                 \
    } while (0)

enum { MOST_BOXES = (int)BYTE_TRACK_MAX_BOXES + 4 };

typedef struct {
    const uint8_t *at;
    size_t left;
} Bytes;

static uint32_t take(Bytes *bytes, size_t count)
{
    uint32_t value = 0;
    for (size_t i = 0; i < count; ++i) {
        value <<= 8;
        if (bytes->left > 0) {
            value |= *bytes->at;
            ++bytes->at;
            --bytes->left;
        }
    }
    return value;
}

/* Any float at all, or a small multiple of `scale`. */
static float take_number(Bytes *bytes, bool any, float scale)
{
    float value;
    uint32_t bits;
    if (!any) {
        return (float)(int8_t)take(bytes, 1) * scale;
    }
    bits = take(bytes, 4);
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Mostly boxes that overlap, now and then one that is wrong. */
static byte_track_box take_box(Bytes *bytes, float scale)
{
    const uint32_t how = take(bytes, 1);
    const bool any = how == 0u;
    byte_track_box box;
    box.x = take_number(bytes, any, scale);
    box.y = take_number(bytes, any, scale);
    box.width = take_number(bytes, any, scale);
    box.height = take_number(bytes, any, scale);
    box.score = take_number(bytes, any, 0.01f);
    box.class_id = how & 1u;
    if (how > 1u) {
        box.width = fabsf(box.width) + scale;
        box.height = fabsf(box.height) + scale;
        box.score = fabsf(box.score);
    }
    return box;
}

static byte_track_options take_options(Bytes *bytes)
{
    const uint32_t how = take(bytes, 1);
    byte_track_options options;
    REQUIRE(byte_track_defaults(&options) == BYTE_TRACK_OK);
    options.frame_rate = (how & 1u) ? 30.0 : (double)take_number(bytes, (how & 2u) != 0u, 0.5f);
    options.track_buffer = take(bytes, 1) & 7u;
    options.fuse_score = (how & 4u) != 0u;
    options.by_class = (how & 8u) != 0u;
    if (how & 16u) {
        options.track_thresh = take_number(bytes, how == 16u, 0.01f);
        options.match_thresh = take_number(bytes, how == 17u, 0.01f);
        options.high_thresh = take_number(bytes, how == 18u, 0.01f);
        options.min_box_area = take_number(bytes, how == 19u, 10.0f);
        options.max_aspect = take_number(bytes, how == 20u, 0.1f);
    }
    return options;
}

static void require_spread(const byte_track_spread *spread)
{
    REQUIRE(isfinite(spread->variance) && spread->variance >= 0.0f);
    REQUIRE(isfinite(spread->covariance) && spread->covariance >= 0.0f);
    REQUIRE(isfinite(spread->velocity_variance) && spread->velocity_variance >= 0.0f);
}

static void require_place(uint32_t place, bool used[])
{
    REQUIRE(place < BYTE_TRACK_MAX_TRACKS && !used[place]);
    used[place] = true;
}

/* Every place is in one list, every living track is finite. */
static void require_sound(const byte_track_tracker *tracker)
{
    bool used[BYTE_TRACK_MAX_TRACKS] = {false};
    REQUIRE(tracker->seen_count + tracker->lost_count + tracker->free_count == BYTE_TRACK_MAX_TRACKS);
    for (uint32_t i = 0; i < tracker->free_count; ++i) {
        require_place(tracker->free[i], used);
    }
    for (uint32_t i = 0; i < tracker->seen_count + tracker->lost_count; ++i) {
        const uint32_t place = (i < tracker->seen_count) ? tracker->seen[i] : tracker->lost[i - tracker->seen_count];
        const byte_track_track *track = &tracker->tracks[place];
        require_place(place, used);
        REQUIRE(isfinite(track->x) && isfinite(track->y) && isfinite(track->aspect) && isfinite(track->height));
        REQUIRE(isfinite(track->x_velocity) && isfinite(track->y_velocity));
        REQUIRE(isfinite(track->aspect_velocity) && isfinite(track->height_velocity));
        require_spread(&track->length_spread);
        require_spread(&track->aspect_spread);
        REQUIRE(track->id >= 1 && track->id <= tracker->last_id && track->first_frame <= track->last_frame);
        REQUIRE(tracker->frame - track->last_frame <= tracker->most_lost + 2u);
    }
}

static void require_outputs(const byte_track_output *outputs, size_t found, size_t count)
{
    REQUIRE(found <= count);
    for (size_t i = 0; i < found; ++i) {
        REQUIRE(isfinite(outputs[i].x) && isfinite(outputs[i].y));
        REQUIRE(isfinite(outputs[i].width) && isfinite(outputs[i].height));
        REQUIRE(outputs[i].detection < count);
        for (size_t k = 0; k < i; ++k) {
            REQUIRE(outputs[i].id != outputs[k].id && outputs[i].detection != outputs[k].detection);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static byte_track_tracker tracker;
    static byte_track_tracker twin; /* the same calls, with a workspace that holds something else */
    static byte_track_tracker before;
    static byte_track_workspace work;
    static byte_track_workspace other_work;
    Bytes bytes = {data, size};
    memset(&tracker, (int)take(&bytes, 1), sizeof tracker);
    tracker.ready = 0;
    while (bytes.left > 0) {
        const uint32_t call = take(&bytes, 1);
        byte_track_box boxes[MOST_BOXES];
        byte_track_output outputs[BYTE_TRACK_MAX_BOXES];
        byte_track_output twin_outputs[BYTE_TRACK_MAX_BOXES];
        size_t found = 99;
        size_t twin_found = 99;
        byte_track_status status;
        memcpy(&before, &tracker, sizeof before);
        if (call >= 252u || tracker.ready == 0) {
            const byte_track_options options = take_options(&bytes);
            status = byte_track_init(&tracker, &options);
            REQUIRE(status == BYTE_TRACK_OK || memcmp(&before, &tracker, sizeof before) == 0);
            memcpy(&twin, &tracker, sizeof twin);
        } else {
            const size_t count = call % (uint32_t)MOST_BOXES;
            const int power = (int)take(&bytes, 1) - 236; /* half of all frames in pixels, the others up to the limits */
            const float scale = (power < -108) ? 1.0f : ldexpf(1.0f, (power < -20) ? (power / 5) : power % 13);
            for (size_t i = 0; i < count; ++i) {
                boxes[i] = take_box(&bytes, scale);
            }
            memset(&other_work, 0xA5, sizeof other_work);
            status = byte_track_step(&tracker, &work, boxes, count, outputs, &found);
            REQUIRE(byte_track_step(&twin, &other_work, boxes, count, twin_outputs, &twin_found) == status);
            if (status > BYTE_TRACK_FULL) {
                REQUIRE(found == 0 && memcmp(&before, &tracker, sizeof before) == 0);
            } else {
                require_outputs(outputs, found, count);
                require_sound(&tracker);
                REQUIRE(found == twin_found && memcmp(outputs, twin_outputs, found * sizeof outputs[0]) == 0);
            }
        }
        REQUIRE(byte_track_message(status) != NULL);
    }
    return 0;
}

#ifdef SEEDS
int main(int argc, char **argv)
{
    const unsigned long runs = (argc == 2) ? strtoul(argv[1], NULL, 10) : 0;
    uint32_t random = 0x2545F491u;
    for (unsigned long run = 0; run < runs; ++run) {
        uint8_t data[2048];
        for (size_t i = 0; i < sizeof data; ++i) { /* Marsaglia's xorshift */
            random ^= random << 13;
            random ^= random >> 17;
            random ^= random << 5;
            data[i] = (uint8_t)(random >> 24);
        }
        (void)LLVMFuzzerTestOneInput(data, sizeof data);
    }
    (void)printf("%lu\n", runs);
    return 0;
}
#endif
