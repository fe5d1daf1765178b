/* Two networks in one program, each with its decoder and its tracker: what each does is what it does alone. */
#include <stdio.h>

#include "eight_post.h"
#include "eight_track.h"
#include "sixteen_post.h"
#include "sixteen_track.h"

static eight_post_workspace eight_space;
static sixteen_post_workspace sixteen_space;
static eight_track_tracker eight_tracks;
static sixteen_track_tracker sixteen_tracks;
static eight_track_workspace eight_work;
static sixteen_track_workspace sixteen_work;

int main(void)
{
    const eight_post_detection eight_boxes[2] = { { 10.0f, 10.0f, 30.0f, 40.0f, 0.9f, 2u, 0u },
        { 11.0f, 10.0f, 30.0f, 40.0f, 0.8f, 2u, 0u } };
    const sixteen_post_detection sixteen_boxes[1] = { { 1.0f, 2.0f, 9.0f, 12.0f, 0.7f, 0u, 0u } };
    eight_post_detection eight_found[2];
    sixteen_post_detection sixteen_found[1];
    eight_post_options eight_options;
    sixteen_post_options sixteen_options;
    eight_post_counts eight_counts;
    sixteen_post_counts sixteen_counts;
    eight_track_options eight_how;
    sixteen_track_options sixteen_how;
    eight_track_box eight_box = { 10.0f, 10.0f, 20.0f, 30.0f, 0.9f, 0u };
    sixteen_track_box sixteen_box = { 1.0f, 2.0f, 8.0f, 10.0f, 0.7f, 0u };
    eight_track_output eight_output[1];
    sixteen_track_output sixteen_output[1];
    size_t eight_seen = 0u;
    size_t sixteen_seen = 0u;
    int status = 0;

    eight_post_defaults(&eight_options);
    sixteen_post_defaults(&sixteen_options);
    status += (int)eight_post_from_boxes(eight_boxes, 2u, &eight_options, &eight_space, eight_found, 2u, &eight_counts);
    status += (int)sixteen_post_from_boxes(
        sixteen_boxes, 1u, &sixteen_options, &sixteen_space, sixteen_found, 1u, &sixteen_counts);
    status += (int)eight_track_defaults(&eight_how) + (int)sixteen_track_defaults(&sixteen_how);
    eight_how.frame_rate = 30.0;
    sixteen_how.frame_rate = 10.0;
    status += (int)eight_track_init(&eight_tracks, &eight_how) + (int)sixteen_track_init(&sixteen_tracks, &sixteen_how);
    status += (int)eight_track_step(&eight_tracks, &eight_work, &eight_box, 1u, eight_output, &eight_seen);
    status += (int)eight_track_step(&eight_tracks, &eight_work, &eight_box, 1u, eight_output, &eight_seen);
    status += (int)sixteen_track_step(&sixteen_tracks, &sixteen_work, &sixteen_box, 1u, sixteen_output, &sixteen_seen);
    (void)printf("%d %u %u %u %u %u %u\n", status, EIGHT_POST_CLASSES, SIXTEEN_POST_CLASSES, eight_counts.written,
        sixteen_counts.written, (unsigned)eight_output[0].id, (unsigned)sixteen_output[0].id);
    return (eight_tracks.frame == 2u && sixteen_tracks.frame == 1u) ? 0 : 1;
}
