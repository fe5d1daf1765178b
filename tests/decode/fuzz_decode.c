/**
 * Any bytes as arguments of the decoder: every buffer has exactly the size that the decoder is told, so that a
 * sanitizer sees each byte too far; what comes back must keep the header's promises.
 *
 * LLVMFuzzerTestOneInput for libFuzzer; with -DSTANDALONE a program `fuzz COUNT SEED` that makes its own bytes.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz_post.h"
#include "fuzz_tables.h"

#define PROMISE(what) ((what) ? (void)0 : broken(#what, __LINE__))

typedef struct {
    const uint8_t *data;
    size_t size;
    size_t at;
} stream;

static void broken(const char *what, int line)
{
    (void)fprintf(stderr, "line %d: broken promise: %s\n", line, what);
    abort();
}

static uint8_t next_byte(stream *from)
{
    const uint8_t byte = (from->at < from->size) ? from->data[from->at] : (uint8_t)(from->at * 37u);

    ++from->at;
    return byte;
}

static void fill(stream *from, void *to, size_t size)
{
    size_t i;

    for (i = 0u; i < size; ++i) {
        ((uint8_t *)to)[i] = next_byte(from);
    }
}

/** A buffer of exactly this size; the same bytes again and again when the input is short. */
static void *buffer(stream *from, size_t size)
{
    uint8_t *made = malloc((size == 0u) ? 1u : size);
    const size_t head = (size < 4096u) ? size : 4096u;
    size_t i;

    if (made == NULL) {
        abort();
    }
    fill(from, made, head);
    for (i = head; i < size; ++i) {
        made[i] = made[i - head];
    }
    return made;
}

static float unit(stream *from, bool wild)
{
    float value;

    if (wild) {
        fill(from, &value, sizeof(value));
        return value;
    }
    return (float)next_byte(from) / 256.0f;
}

static size_t near(stream *from, size_t size)
{
    const uint8_t change = next_byte(from);

    return (change < 8u) ? ((size > change) ? size - change : 0u) : size;
}

static uint32_t cells_of(size_t level)
{
    return fuzz_post_levels[level].grid_w * fuzz_post_levels[level].grid_h;
}

static fuzz_post_options options_of(stream *from)
{
    const uint8_t flags = next_byte(from);
    const bool wild = (flags & 0xf0u) == 0xf0u;
    fuzz_post_options options;

    options.score = unit(from, wild);
    options.iou = unit(from, wild);
    options.ratio_x = unit(from, wild) + (wild ? 0.0f : 0.25f);
    options.ratio_y = unit(from, wild) + (wild ? 0.0f : 0.25f);
    options.picture_w = unit(from, wild) * 100.0f;
    options.picture_h = unit(from, wild) * 100.0f;
    options.top_k = next_byte(from) & 7u;
    options.class_agnostic = (flags & 1u) != 0u;
    options.multi_label = (flags & 2u) != 0u;
    options.clip = (flags & 4u) != 0u;
    options.as_hardware = (flags & 8u) != 0u;
    return options;
}

static void check_result(fuzz_post_status status, const fuzz_post_counts *counts, const fuzz_post_options *options,
    const fuzz_post_detection *found, uint32_t capacity)
{
    uint32_t i;

    PROMISE((status >= FUZZ_POST_OK) && (status <= FUZZ_POST_BAD_VALUE));
    PROMISE(counts->written <= capacity);
    PROMISE(counts->written <= counts->survivors);
    PROMISE(counts->survivors <= counts->candidates);
    PROMISE((options->top_k == 0u) || (counts->survivors <= options->top_k));
    PROMISE((status <= FUZZ_POST_TRUNCATED) || (counts->candidates == 0u));
    PROMISE((status != FUZZ_POST_OK) || (counts->written == counts->survivors));
    for (i = 0u; i < counts->written; ++i) {
        const fuzz_post_detection *each = &found[i];

        PROMISE((each->score > options->score) && (each->score <= 1.0f));
        PROMISE((i == 0u) || (found[i - 1u].score >= each->score));
        PROMISE(each->class_id < FUZZ_POST_CLASSES);
        PROMISE(isfinite(each->x1) && isfinite(each->y1) && isfinite(each->x2) && isfinite(each->y2));
        PROMISE((each->x1 <= each->x2) && (each->y1 <= each->y2));
        PROMISE(!options->clip || ((each->x1 >= 0.0f) && (each->y2 <= options->picture_h)));
    }
}

static fuzz_post_status run_records(stream *from, const fuzz_post_options *options, fuzz_post_workspace *space,
    fuzz_post_detection *found, uint32_t capacity, fuzz_post_counts *counts)
{
    fuzz_post_records levels[FUZZ_POST_LEVELS];
    void *kept[FUZZ_POST_LEVELS];
    fuzz_post_status status;
    size_t i;

    for (i = 0u; i < FUZZ_POST_LEVELS; ++i) {
        const uint8_t kind = next_byte(from);
        const uint32_t count = next_byte(from) % (cells_of(i) + 2u);
        uint32_t r;

        levels[i].count = ((kind & 0xe0u) == 0xe0u) ? (uint32_t)next_byte(from) << 24 : count;
        levels[i].size = near(from, (size_t)count * FUZZ_POST_RECORD_SIZE);
        kept[i] = buffer(from, levels[i].size);
        levels[i].data = ((kind & 0x1fu) == 0x1fu) ? NULL : kept[i];
        for (r = 0u; ((kind & 1u) == 0u) && ((r + 1u) * FUZZ_POST_RECORD_SIZE <= levels[i].size); ++r) {
            uint8_t *place = (uint8_t *)kept[i] + ((r + 1u) * FUZZ_POST_RECORD_SIZE) - 6u;

            place[0] = (uint8_t)(place[0] % fuzz_post_levels[i].grid_w); /* mostly cells of the grid */
            place[2] = (uint8_t)(place[2] % fuzz_post_levels[i].grid_h);
            place[1] = place[3] = place[4] = place[5] = 0u;
        }
    }
    status = fuzz_post_from_records(((options->top_k == 7u) && options->clip) ? NULL : levels, options, space, found,
        capacity, counts);
    for (i = 0u; i < FUZZ_POST_LEVELS; ++i) {
        free(kept[i]);
    }
    return status;
}

/** One map's description, and its buffer to free. */
static void *describe(stream *from, size_t channels, size_t cells, size_t width, fuzz_post_codes *map)
{
    const uint8_t kind = next_byte(from);
    const bool nhwc = (kind & 1u) == 0u;
    const size_t inner = nhwc ? channels : cells;
    const size_t outer = nhwc ? cells : channels;
    const size_t padding = ((kind & 6u) == 6u) ? (next_byte(from) & 7u) : 0u;
    void *kept;

    map->layout = ((kind & 0xf8u) == 0xf8u) ? (fuzz_post_layout)next_byte(from) : (nhwc ? FUZZ_POST_NHWC : FUZZ_POST_NCHW);
    map->channel_stride = (padding == 0u) ? 0u : (inner + padding);
    map->size = near(from, ((outer * (inner + padding)) - padding) * width);
    kept = buffer(from, map->size);
    map->data = kept;
    if ((kind & 0xf8u) == 0xf0u) {
        fill(from, &map->channel_stride, sizeof(map->channel_stride));
    }
    return kept;
}

static fuzz_post_status run_maps(stream *from, bool floats, const fuzz_post_options *options,
    fuzz_post_workspace *space, fuzz_post_detection *found, uint32_t capacity, fuzz_post_counts *counts)
{
    fuzz_post_codes described[FUZZ_POST_LEVELS][3];
    fuzz_post_code_maps codes[FUZZ_POST_LEVELS];
    fuzz_post_float_maps numbers[FUZZ_POST_LEVELS];
    void *kept[FUZZ_POST_LEVELS][3];
    fuzz_post_status status;
    size_t i;
    size_t k;

    for (i = 0u; i < FUZZ_POST_LEVELS; ++i) {
        const fuzz_post_level *level = &fuzz_post_levels[i];
        const size_t widths[3] = { level->obj.width, level->reg.width, level->cls.width };
        const size_t channels[3] = { 1u, 4u, FUZZ_POST_CLASSES };
        fuzz_post_codes *parts[3] = { &codes[i].obj, &codes[i].reg, &codes[i].cls };
        fuzz_post_floats *others[3] = { &numbers[i].obj, &numbers[i].reg, &numbers[i].cls };

        for (k = 0u; k < 3u; ++k) {
            fuzz_post_codes *map = &described[i][k];

            kept[i][k] = describe(from, channels[k], cells_of(i), floats ? sizeof(float) : widths[k], map);
            *parts[k] = *map;
            others[k]->data = map->data;
            others[k]->size = map->size;
            others[k]->channel_stride = map->channel_stride;
            others[k]->layout = map->layout;
        }
    }
    status = floats ? fuzz_post_from_floats(numbers, options, space, found, capacity, counts)
                    : fuzz_post_from_codes(codes, options, space, found, capacity, counts);
    for (i = 0u; i < (FUZZ_POST_LEVELS * 3u); ++i) {
        free(kept[i / 3u][i % 3u]);
    }
    return status;
}

static fuzz_post_status run_boxes(stream *from, const fuzz_post_options *options, fuzz_post_workspace *space,
    fuzz_post_detection *found, uint32_t capacity, fuzz_post_counts *counts)
{
    const uint32_t count = next_byte(from);
    const bool wild = (next_byte(from) & 7u) == 7u;
    fuzz_post_detection *given = buffer(from, count * sizeof(*given));
    fuzz_post_status status;
    uint32_t i;

    for (i = 0u; !wild && (i < count); ++i) {
        given[i].x1 = unit(from, false) * 64.0f;
        given[i].y1 = unit(from, false) * 64.0f;
        given[i].x2 = given[i].x1 + (unit(from, false) * 64.0f);
        given[i].y2 = given[i].y1 + (unit(from, false) * 64.0f);
        given[i].score = unit(from, false);
        given[i].class_id %= FUZZ_POST_CLASSES;
    }
    status = fuzz_post_from_boxes(given, count, options, space, found, capacity, counts);
    free(given);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    stream from = { data, size, 0u };
    const uint8_t what = next_byte(&from);
    const uint32_t capacity = next_byte(&from) & 31u;
    const fuzz_post_options options = options_of(&from);
    fuzz_post_workspace *space = malloc(sizeof(*space));
    fuzz_post_detection *found = malloc((capacity + 1u) * sizeof(*found));
    fuzz_post_detection *exact = realloc(found, (capacity == 0u) ? 1u : (capacity * sizeof(*found)));
    fuzz_post_counts counts;
    fuzz_post_status status;

    if ((space == NULL) || (exact == NULL)) {
        abort();
    }
    (void)memset(space, 0xa5, sizeof(*space));
    switch (what & 7u) {
    case 0u:
        status = run_maps(&from, false, &options, space, exact, capacity, &counts);
        break;
    case 1u:
        status = run_maps(&from, true, &options, space, exact, capacity, &counts);
        break;
    case 2u:
        status = run_boxes(&from, &options, space, exact, capacity, &counts);
        break;
    default:
        status = run_records(&from, &options, space, exact, capacity, &counts);
        break;
    }
    check_result(status, &counts, &options, exact, capacity);
    free(space);
    free(exact);
    return 0;
}

#ifdef STANDALONE
int main(int argc, char **argv)
{
    static uint8_t bytes[4096];
    static unsigned long statuses;
    uint64_t state = (argc > 2) ? strtoull(argv[2], NULL, 10) : 1u;
    long count = (argc > 1) ? strtol(argv[1], NULL, 10) : 1000;

    for (; count > 0; --count) {
        size_t size;
        size_t i;

        for (i = 0u; i < sizeof(bytes); ++i) {
            state = (state * 6364136223846793005u) + 1442695040888963407u;
            bytes[i] = (uint8_t)(state >> 56);
        }
        size = (size_t)(state >> 20) % sizeof(bytes);
        statuses += (unsigned long)LLVMFuzzerTestOneInput(bytes, size);
    }
    return (statuses == 0u) ? 0 : 1;
}
#endif
