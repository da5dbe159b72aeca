/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "progress.h"
#include "text.h"
#include <string.h>

/* The speed is that of the last seconds: long enough to be calm, short enough to show a stall. */
#define WINDOW (4 * G_TIME_SPAN_SECOND)
#define SAMPLE_INTERVAL (250 * G_TIME_SPAN_MILLISECOND)
#define SAMPLES 20 /* more than a window holds */
#define MIN_BAR 10
#define MAX_BAR 40
#define LAYER_DIGITS 12

typedef struct {
        gint64 time;
        guint64 done;
} Sample;

struct ScProgress {
        char *phase;
        guint64 done, total;
        char layer[LAYER_DIGITS + 1];
        Sample samples[SAMPLES]; /* a ring; the oldest is at `first` */
        unsigned first, n_samples;
        Sample last;
};

ScProgress *sc_progress_new(void)
{
        return g_new0(ScProgress, 1);
}

void sc_progress_free(ScProgress *progress)
{
        if (progress == NULL)
                return;
        g_free(progress->phase);
        g_free(progress);
}

bool sc_progress_counts_bytes(const char *phase)
{
        return g_str_has_prefix(phase, "Pulling");
}

static void add_sample(ScProgress *progress, Sample sample)
{
        if (progress->n_samples > 0) {
                const Sample *newest = &progress->samples[(progress->first + progress->n_samples - 1) % SAMPLES];
                if (sample.done < newest->done) /* a layer starts again */
                        progress->n_samples = 0;
                else if (sample.time - newest->time < SAMPLE_INTERVAL)
                        return;
        }
        while (progress->n_samples > 0 && sample.time - progress->samples[progress->first].time > WINDOW) {
                progress->first = (progress->first + 1) % SAMPLES;
                progress->n_samples--;
        }
        progress->samples[(progress->first + progress->n_samples) % SAMPLES] = sample;
        progress->n_samples++;
}

void sc_progress_update(ScProgress *progress, const char *phase, guint64 done, guint64 total, gint64 now)
{
        if (g_strcmp0(progress->phase, phase) != 0) {
                g_free(progress->phase);
                progress->phase = sc_text_clean(phase);
                progress->n_samples = 0;
        }
        progress->done = done;
        progress->total = total;
        progress->last = (Sample){now, done};
        add_sample(progress, progress->last);
}

void sc_progress_tick(ScProgress *progress, gint64 now)
{
        if (progress->phase == NULL)
                return;
        progress->last.time = now;
        add_sample(progress, progress->last);
}

void sc_progress_message(ScProgress *progress, const char *line)
{
        static const char prefix[] = "Pulling layer ";
        if (!g_str_has_prefix(line, prefix))
                return;
        const char *hex = line + strlen(prefix);
        if (strspn(hex, "0123456789abcdef") >= LAYER_DIGITS)
                g_strlcpy(progress->layer, hex, sizeof progress->layer);
}

guint64 sc_progress_speed(const ScProgress *progress)
{
        if (progress->n_samples == 0)
                return 0;
        const Sample *oldest = &progress->samples[progress->first];
        gint64 elapsed = progress->last.time - oldest->time;
        if (elapsed < SAMPLE_INTERVAL || progress->last.done < oldest->done)
                return 0;
        return (guint64)((double)(progress->last.done - oldest->done) * G_TIME_SPAN_SECOND / (double)elapsed);
}

static void append_bar(GString *line, double share, unsigned columns)
{
        unsigned inside = columns - 2, filled = (unsigned)(share * inside);
        g_string_append_c(line, '[');
        for (unsigned i = 0; i < inside; i++)
                g_string_append_c(line, i < filled ? '=' : i == filled ? '>' : ' ');
        g_string_append_c(line, ']');
}

char *sc_progress_format(const ScProgress *progress, unsigned width)
{
        if (progress->phase == NULL || progress->phase[0] == '\0')
                return g_strdup("");

        /* In the order of their importance; shown from left to right, behind the bar. */
        enum { PERCENT, AMOUNT, SPEED, LEFT, LAYER, N_PARTS };
        char *parts[N_PARTS] = {NULL};
        bool bytes = sc_progress_counts_bytes(progress->phase);
        double share = progress->total > 0 ? MIN((double)progress->done / (double)progress->total, 1.0) : 0;
        if (progress->total > 0) {
                parts[PERCENT] = g_strdup_printf("%3u%%", (unsigned)(share * 100));
                parts[AMOUNT] = bytes ? sc_format_size_of(progress->done, progress->total)
                                      : g_strdup_printf("%" G_GUINT64_FORMAT "/%" G_GUINT64_FORMAT, progress->done,
                                                        progress->total);
        } else if (progress->done > 0) {
                parts[AMOUNT] = bytes ? sc_format_size(progress->done) : g_strdup_printf("%" G_GUINT64_FORMAT, progress->done);
        }
        guint64 speed = bytes ? sc_progress_speed(progress) : 0;
        if (speed > 0) {
                g_autofree char *amount = sc_format_size(speed);
                parts[SPEED] = g_strdup_printf("%s/s", amount);
                if (progress->done < progress->total) {
                        g_autofree char *duration = sc_format_duration((progress->total - progress->done) / speed);
                        parts[LEFT] = g_strdup_printf("ETA %s", duration);
                }
        }
        if (bytes && progress->layer[0] != '\0')
                parts[LAYER] = g_strdup_printf("layer %s", progress->layer);

        unsigned used = sc_text_width(progress->phase);
        gsize shown = 0;
        for (; shown < N_PARTS; shown++) {
                unsigned more = parts[shown] != NULL ? 2 + sc_text_width(parts[shown]) : 0;
                if (used + more > width)
                        break;
                used += more;
        }
        GString *line = g_string_new(NULL);
        g_autofree char *phase = sc_text_cut(progress->phase, width);
        g_string_append(line, phase);
        if (progress->total > 0 && shown > PERCENT && used + 2 + MIN_BAR <= width) {
                g_string_append(line, "  ");
                append_bar(line, share, MIN(width - used - 2, MAX_BAR));
        }
        for (gsize i = 0; i < shown; i++)
                if (parts[i] != NULL)
                        g_string_append_printf(line, "  %s", parts[i]);
        for (gsize i = 0; i < N_PARTS; i++)
                g_free(parts[i]);
        return g_string_free(line, FALSE);
}
