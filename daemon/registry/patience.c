/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "patience.h"

#include "base/error.h"

#define BUDGET (110 * G_TIME_SPAN_SECOND)
#define FIRST_PAUSE G_TIME_SPAN_SECOND
/* What an attempt must bring to count as progress: a server that breaks off after each byte is not served forever. */
#define PROGRESS (64u * 1024)

void sc_patience_init(ScPatience *patience, const ScConfig *config)
{
        *patience = (ScPatience){
                .attempts = MAX(config->attempts, 1),
                .stall = (gint64)config->stall_timeout * G_TIME_SPAN_SECOND,
                .rate = config->minimum_rate,
                .window = 2 * (gint64)config->stall_timeout * G_TIME_SPAN_SECOND,
                .last_byte = g_get_monotonic_time(),
        };
}

void sc_patience_begin(ScPatience *patience)
{
        patience->passing = false;
        patience->wanted = 0;
        patience->advanced = 0;
        patience->waited = 0;
        patience->came = 0;
}

static gint64 budget_left(const ScPatience *patience)
{
        return patience->last_byte + BUDGET - g_get_monotonic_time();
}

gint64 sc_patience_limit(const ScPatience *patience)
{
        gint64 limit = patience->made == 0 ? patience->stall + patience->stall / 5 : patience->stall;
        return CLAMP(limit, 0, MAX(budget_left(patience), 0));
}

void sc_patience_feed(ScPatience *patience)
{
        patience->last_byte = g_get_monotonic_time();
}

bool sc_patience_measure(ScPatience *patience, gint64 waited, gsize bytes)
{
        patience->waited += waited;
        patience->came += bytes;
        if (patience->rate == 0 || patience->waited < patience->window)
                return true;
        bool enough = (double)patience->came * G_TIME_SPAN_SECOND >= (double)patience->rate * (double)patience->waited;
        patience->waited = 0;
        patience->came = 0;
        /* What it brought is no reason to try for ever. */
        if (!enough)
                patience->advanced = 0;
        return enough;
}

void sc_patience_advance(ScPatience *patience, gsize bytes)
{
        patience->advanced += bytes;
}

bool sc_patience_throw(ScPatience *patience, GError **error, const char *format, ...)
{
        patience->passing = true;
        va_list args;
        va_start(args, format);
        g_autofree char *message = g_strdup_vprintf(format, args);
        va_end(args);
        return sc_throw(error, SC_ERROR_NETWORK, "%s", message);
}

void sc_patience_ask(ScPatience *patience, gint64 microseconds)
{
        patience->wanted = CLAMP(microseconds, 0, G_TIME_SPAN_DAY);
}

static void say_how_often(const ScPatience *patience, GError **problem)
{
        g_autoptr(GError) old = g_steal_pointer(problem);
        sc_throw(problem, (ScError)old->code, "%s (tried %u times)", old->message, patience->made);
}

static void say_how_long(const ScPatience *patience, GError **problem)
{
        g_autoptr(GError) old = g_steal_pointer(problem);
        sc_throw(problem, (ScError)old->code, "%s (it asks to come again in %" G_GINT64_FORMAT " s)", old->message,
                 patience->wanted / G_TIME_SPAN_SECOND);
}

/* Longer each time, and not the same for all who were interrupted at the same moment. */
static gint64 own_pause(const ScPatience *patience)
{
        gint64 pause = FIRST_PAUSE << MIN(patience->made, 4);
        return pause + g_random_int_range(0, (gint32)(pause / 4));
}

bool sc_patience_again(ScPatience *patience, ScHttp *http, GCancellable *cancellable, GError **problem)
{
        if (!patience->passing)
                return false;
        gint64 pause = MAX(own_pause(patience), patience->wanted);
        patience->made = patience->advanced >= PROGRESS ? 0 : patience->made + 1;
        if (patience->made >= patience->attempts || pause >= budget_left(patience)) {
                if (patience->made > 1)
                        say_how_often(patience, problem);
                if (patience->wanted >= pause)
                        say_how_long(patience, problem);
                return false;
        }
        g_clear_error(problem);
        if (!sc_http_pause(http, pause, cancellable, problem))
                return sc_prefix(problem, "The download was stopped");
        return true;
}
