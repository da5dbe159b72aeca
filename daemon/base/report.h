/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How an operation tells what it is doing. The lower floors report bytes and steps; the worker turns that into messages of
 * its protocol. All functions may be called from any thread, and with a NULL report (they do nothing). */

#include <glib.h>
#include <stdbool.h>

typedef struct ScReport ScReport;

typedef struct {
        /* A new state: phase is a short word for humans ("Pulling", "Checking out", "Waiting for the service"); done and
         * total count bytes where bytes are moved, else steps; total 0 means unknown. Called at most ten times a second,
         * and always for a new phase. */
        void (*progress)(gpointer data, const char *phase, guint64 done, guint64 total);
        /* One line for the user, without a newline: what the atomic command printed on its way. */
        void (*message)(gpointer data, const char *line);
} ScReportSink;

/* The sink is copied; data must outlive the report. */
ScReport *sc_report_new(const ScReportSink *sink, gpointer data);
void sc_report_free(ScReport *report);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScReport, sc_report_free)

/* Starts a phase with its expected total (0: unknown) and done 0. */
void sc_report_phase(ScReport *report, const char *phase, guint64 total);
/* Adds to the phase's done count. */
void sc_report_advance(ScReport *report, guint64 amount);
void sc_report_message(ScReport *report, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* A detail of an install's result, for the daemon alone: systemd is to read its units again when the job is over. */
#define SC_DETAIL_RELOAD "reload"
