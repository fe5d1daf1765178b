/* The bits of all that the tracker returns for a film, with the score fused (1) or not (0): `print_bits FILE FUSE`.
 *
 * FILE: for each frame a uint32 count, then as many boxes.
 */
#include <stdio.h>
#include <string.h>

#include "byte_track.h"

static byte_track_tracker tracker;
static byte_track_workspace workspace;
static byte_track_box boxes[BYTE_TRACK_MAX_BOXES];
static byte_track_output outputs[BYTE_TRACK_MAX_BOXES];

static unsigned long bits(float value)
{
    uint32_t word;
    memcpy(&word, &value, sizeof word);
    return word;
}

int main(int argc, char **argv)
{
    FILE *file = (argc == 3) ? fopen(argv[1], "rb") : NULL;
    byte_track_options options;
    uint32_t count;
    (void)byte_track_defaults(&options);
    options.frame_rate = 30.0;
    options.fuse_score = argc == 3 && strcmp(argv[2], "0") != 0;
    if (file == NULL || byte_track_init(&tracker, &options) != BYTE_TRACK_OK) {
        return 2;
    }
    while (fread(&count, sizeof count, 1, file) == 1) {
        size_t found = 0;
        if (count > BYTE_TRACK_MAX_BOXES || fread(boxes, sizeof boxes[0], count, file) != count
            || byte_track_step(&tracker, &workspace, boxes, count, outputs, &found) != BYTE_TRACK_OK) {
            return 1;
        }
        for (size_t i = 0; i < found; ++i) {
            const byte_track_output *out = &outputs[i];
            (void)printf("%lu %08lx %08lx %08lx %08lx %08lx\n", (unsigned long)out->id, bits(out->x), bits(out->y),
                bits(out->width), bits(out->height), bits(out->score));
        }
        (void)printf("\n");
    }
    (void)fclose(file);
    return 0;
}
