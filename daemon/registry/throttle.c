/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "throttle.h"

struct ScThrottle {
        guint64 rate;
        GMutex lock;
        gint64 paid; /* monotonic, microseconds: the time for which all that came is not too much */
};

ScThrottle *sc_throttle_new(guint64 rate)
{
        ScThrottle *throttle = g_new0(ScThrottle, 1);
        throttle->rate = rate;
        g_mutex_init(&throttle->lock);
        return throttle;
}

void sc_throttle_free(ScThrottle *throttle)
{
        if (throttle == NULL)
                return;
        g_mutex_clear(&throttle->lock);
        g_free(throttle);
}

gsize sc_throttle_portion(const ScThrottle *throttle, gsize wanted)
{
        return throttle->rate == 0 ? wanted : (gsize)CLAMP(throttle->rate / 8, 1, wanted);
}

gint64 sc_throttle_take(ScThrottle *throttle, gsize bytes)
{
        if (throttle->rate == 0)
                return 0;
        g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&throttle->lock);
        gint64 now = g_get_monotonic_time();
        throttle->paid = MAX(throttle->paid, now) + (gint64)((double)bytes * G_TIME_SPAN_SECOND / (double)throttle->rate);
        return throttle->paid - now;
}
