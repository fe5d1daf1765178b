/* Two generated trackers in one program, each with its own defaults and capacities. */
#include <stdio.h>

#include "front_track.h"
#include "rear_track.h"

int main(void)
{
    front_track_options front;
    rear_track_options rear;
    if (front_track_defaults(&front) != FRONT_TRACK_OK || rear_track_defaults(&rear) != REAR_TRACK_OK) {
        return 1;
    }
    (void)printf("%g %g %d %u\n", (double)front.track_thresh, (double)front.high_thresh, front.by_class,
        FRONT_TRACK_MAX_BOXES);
    (void)printf("%g %g %d %u\n", (double)rear.track_thresh, (double)rear.high_thresh, rear.by_class,
        REAR_TRACK_MAX_BOXES);
    return 0;
}
