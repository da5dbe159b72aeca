/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "report.h"

/* Ten progress messages a second are as many as anybody reads. */
#define PROGRESS_INTERVAL (G_USEC_PER_SEC / 10)

struct ScReport {
        ScReportSink sink;
        gpointer data;
        GMutex mutex;
        char *phase;
        guint64 done, total;
        gint64 last_sent;
};

ScReport *sc_report_new(const ScReportSink *sink, gpointer data)
{
        ScReport *report = g_new0(ScReport, 1);
        report->sink = *sink;
        report->data = data;
        report->phase = g_strdup("");
        g_mutex_init(&report->mutex);
        return report;
}

void sc_report_free(ScReport *report)
{
        if (report == NULL)
                return;
        g_mutex_clear(&report->mutex);
        g_free(report->phase);
        g_free(report);
}

/* With the mutex held. The end of a phase is always told, or a bar would stop short of it. */
static void send_progress(ScReport *report, bool always)
{
        gint64 now = g_get_monotonic_time();
        bool complete = report->total != 0 && report->done >= report->total;
        if (!always && !complete && now - report->last_sent < PROGRESS_INTERVAL)
                return;
        report->last_sent = now;
        if (report->sink.progress != NULL)
                report->sink.progress(report->data, report->phase, report->done, report->total);
}

void sc_report_phase(ScReport *report, const char *phase, guint64 total)
{
        if (report == NULL)
                return;
        g_mutex_lock(&report->mutex);
        g_free(report->phase);
        report->phase = g_strdup(phase);
        report->done = 0;
        report->total = total;
        send_progress(report, true);
        g_mutex_unlock(&report->mutex);
}

void sc_report_advance(ScReport *report, guint64 amount)
{
        if (report == NULL || amount == 0)
                return;
        g_mutex_lock(&report->mutex);
        report->done += amount;
        send_progress(report, false);
        g_mutex_unlock(&report->mutex);
}

void sc_report_message(ScReport *report, const char *format, ...)
{
        if (report == NULL || report->sink.message == NULL)
                return;
        va_list args;
        va_start(args, format);
        g_autofree char *line = g_strdup_vprintf(format, args);
        va_end(args);
        g_mutex_lock(&report->mutex);
        report->sink.message(report->data, line);
        g_mutex_unlock(&report->mutex);
}
