/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "failover.h"

#include "base/error.h"

/* Who may be asked instead is asked after this silence. */
#define SHORT_STALL (10 * G_TIME_SPAN_SECOND)
/* Breaking off twice in the middle of something is as bad as not answering at all. */
enum { DEAD = 2 };

typedef struct {
        ScRegistry *registry;
        const ScFailoverPlan *plan;
        guint length;
        bool *asked; /* in this round; by their places in registry->locations */
        bool *out;   /* for good: there it is not, or not the right thing */
        bool passing;
        GError *problem; /* of the registry itself, else the last one */
} Failover;

static ScLocation *location_at(const Failover *failover, guint i)
{
        /* By tag the last, which is the registry itself, comes first. */
        guint place = failover->plan->order == SC_FAILOVER_BY_TAG ? (i + failover->length - 1) % failover->length : i;
        return failover->registry->locations->pdata[place];
}

void sc_failover_put_last(ScLocation *location)
{
        g_atomic_int_add(&location->troubles, DEAD);
}

static bool is_dead(const ScLocation *location)
{
        return g_atomic_int_get(&location->troubles) >= DEAD;
}

/* The dead come last. */
static ScLocation *next_location(const Failover *failover, guint *ret_i)
{
        for (guint dead = 0; dead <= 1; dead++)
                for (guint i = 0; i < failover->length; i++) {
                        ScLocation *location = location_at(failover, i);
                        bool usable = !failover->asked[i] && !failover->out[i] &&
                                      (failover->plan->order == SC_FAILOVER_BY_DIGEST || location->answers_tags);
                        if (!usable || is_dead(location) != (dead > 0))
                                continue;
                        *ret_i = i;
                        return location;
                }
        return NULL;
}

static bool is_primary(const Failover *failover, const ScLocation *location)
{
        return location == failover->registry->primary;
}

static void keep_problem(Failover *failover, const ScLocation *location, bool asked_primary, GError *problem)
{
        if (failover->problem != NULL && asked_primary && !is_primary(failover, location)) {
                g_error_free(problem);
                return;
        }
        g_clear_error(&failover->problem);
        failover->problem = problem;
}

static void tell(const Failover *failover, const GError *problem)
{
        guint i;
        const ScLocation *next = next_location(failover, &i);
        if (next != NULL)
                sc_report_message(failover->registry->report, "%s; going on with %s", problem->message,
                                  sc_endpoint_host(next->endpoint));
}

static bool is_trouble_of_network(const GError *problem)
{
        return g_error_matches(problem, SC_ERROR, SC_ERROR_NETWORK);
}

/* What the failure says about the location. */
static void learn(Failover *failover, ScLocation *location, guint i, const ScPatience *patience, guint64 advanced,
                  const GError *problem)
{
        bool network = is_trouble_of_network(problem);
        bool hopeless = (network && patience->advanced == advanced) || g_error_matches(problem, SC_ERROR, SC_ERROR_ACCESS_DENIED);
        if (hopeless)
                sc_failover_put_last(location);
        else if (network)
                g_atomic_int_add(&location->troubles, 1);
        failover->out[i] = !patience->passing;
        failover->passing |= patience->passing;
}

static ScAttemptResult ask(Failover *failover, ScHttp *http, ScLocation *location, guint i, ScPatience *patience, GError **error)
{
        gint64 stall = patience->stall;
        guint64 advanced = patience->advanced;
        guint other;
        failover->asked[i] = true;
        patience->passing = false;
        /* How slow the one before was says nothing of this one. */
        patience->waited = 0;
        patience->came = 0;
        if (failover->plan->order == SC_FAILOVER_BY_TAG && next_location(failover, &other) != NULL)
                patience->stall = MIN(stall, SHORT_STALL);
        sc_http_turn_to(http, location);
        ScAttemptResult result = failover->plan->attempt(location, failover->plan->data, error);
        patience->stall = stall;
        if (result == SC_ATTEMPT_FAILED && g_error_matches(*error, SC_ERROR, SC_ERROR_CANCELLED))
                return SC_ATTEMPT_ENDED;
        if (result == SC_ATTEMPT_FAILED)
                learn(failover, location, i, patience, advanced, *error);
        return result;
}

/* One round. */
static ScAttemptResult go_round(Failover *failover, ScHttp *http, ScPatience *patience)
{
        bool asked_primary = false;
        guint i;
        failover->passing = false;
        for (ScLocation *location; (location = next_location(failover, &i)) != NULL;) {
                GError *problem = NULL;
                ScAttemptResult result = ask(failover, http, location, i, patience, &problem);
                if (result == SC_ATTEMPT_DONE)
                        return result;
                sc_http_reset(http);
                bool overruled = failover->plan->order == SC_FAILOVER_BY_TAG && is_primary(failover, location) &&
                                 !is_trouble_of_network(problem);
                if (result == SC_ATTEMPT_FAILED && !overruled)
                        tell(failover, problem);
                keep_problem(failover, location, asked_primary, problem);
                asked_primary |= is_primary(failover, location);
                if (result == SC_ATTEMPT_ENDED || overruled)
                        return SC_ATTEMPT_ENDED;
        }
        return SC_ATTEMPT_FAILED;
}

bool sc_failover_run(ScRegistry *registry, ScHttp *http, const ScFailoverPlan *plan, ScPatience *patience,
                     GCancellable *cancellable, GError **error)
{
        guint length = registry->locations->len;
        g_autofree bool *asked = g_new0(bool, length);
        g_autofree bool *out = g_new0(bool, length);
        Failover failover = {.registry = registry, .plan = plan, .length = length, .asked = asked, .out = out};
        for (guint i = 0; plan->without != NULL && i < length; i++)
                out[i] = g_hash_table_contains(plan->without, location_at(&failover, i));
        for (;;) {
                sc_patience_begin(patience);
                memset(asked, 0, length * sizeof *asked);
                ScAttemptResult result = go_round(&failover, http, patience);
                if (result == SC_ATTEMPT_DONE) {
                        g_clear_error(&failover.problem);
                        return true;
                }
                patience->passing = result == SC_ATTEMPT_FAILED && failover.passing;
                if (!sc_patience_again(patience, http, cancellable, &failover.problem)) {
                        g_propagate_error(error, failover.problem);
                        return false;
                }
        }
}
