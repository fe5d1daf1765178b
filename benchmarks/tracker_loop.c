/* The generated tracker over a film, again and again: `tracker_loop FILE STEPS BLOCK` (see tracker.py).
 *
 * FILE: for each frame a uint32 count, then as many boxes as the tracker takes them. Prints the bytes of tracker and
 * workspace, then after every BLOCK steps the microseconds of CPU time a step, and the tracks in sight and lost.
 */
#define _POSIX_C_SOURCE 199309L
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "byte_track.h"

static byte_track_tracker tracker;
static byte_track_workspace workspace;
static byte_track_box boxes[BYTE_TRACK_MAX_BOXES];
static byte_track_output outputs[BYTE_TRACK_MAX_BOXES];
static unsigned char film[16u << 20];

static double cpu_seconds(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

int main(int argc, char **argv)
{
    FILE *file = (argc == 4) ? fopen(argv[1], "rb") : NULL;
    const long steps = (argc == 4) ? strtol(argv[2], NULL, 10) : 0;
    const long block = (argc == 4) ? strtol(argv[3], NULL, 10) : 0;
    byte_track_options options;
    size_t size;
    size_t at = 0;
    double start;
    if (file == NULL || block <= 0) {
        return 2;
    }
    size = fread(film, 1, sizeof film, file);
    (void)fclose(file);
    (void)byte_track_defaults(&options);
    options.frame_rate = 30.0;
    (void)byte_track_init(&tracker, &options);
    (void)printf("%lu %lu\n", (unsigned long)sizeof tracker, (unsigned long)sizeof workspace);
    start = cpu_seconds();
    for (long step = 1; step <= steps; ++step) {
        uint32_t count;
        size_t found;
        memcpy(&count, film + at, sizeof count);
        memcpy(boxes, film + at + sizeof count, count * sizeof boxes[0]);
        at += sizeof count + count * sizeof boxes[0];
        at = (at < size) ? at : 0;
        if (byte_track_step(&tracker, &workspace, boxes, count, outputs, &found) != BYTE_TRACK_OK) {
            return 1;
        }
        if (step % block == 0) {
            (void)printf("%.4f %lu %lu\n", (cpu_seconds() - start) * 1e6 / (double)block,
                (unsigned long)tracker.seen_count, (unsigned long)tracker.lost_count);
            start = cpu_seconds();
        }
    }
    return 0;
}
