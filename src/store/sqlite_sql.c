/*
 * sqlite_sql.c - every statement of the embedded store.
 */
#include "store/sqlite.h"

#include <assert.h>

#include "base/clock.h"

#define RUN_COLUMNS                                                                                \
    "run_id, tenant_id, profile_id, workflow_id, state_key, plan_signature, state, created_us,"    \
    " updated_us, started_us, finished_us, last_seq, attempts, attempts_no_progress, doc,"         \
    " settings, id, last_ts_us, has_result, logged, cost_usd, n_results"

#define IN_STATES "state IN (?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"
static_assert(RUN_N_STATES == 10, "IN_STATES has one parameter per state; others follow as ?12");

#define DELIVERY_COLUMNS                                                                           \
    "d.id, d.tenant_id, r.run_id, d.event, d.url, d.secret_name, d.payload, d.state, d.attempts,"  \
    " d.created_us, d.next_us, d.last_status, d.last_error FROM deliveries d JOIN runs r"          \
    " ON r.id = d.run"

/* Stored numbers that statements name. They never change. */
static_assert(RUN_PART_CHECKPOINT == 2, "part of SQL_WORKFLOW");
static_assert(RUN_PAUSED == 3 && RUN_SUCCEEDED == 4,
              "live states come before 4, paused is the last");
static_assert(RUN_COMPLETED_WITH_FAILURES == 5 && RUN_HALTED == 6 && RUN_FAILED == 7 &&
                  RUN_CANCELLED == 8 && RUN_TIMEOUT == 9 && DAY_US == 86400000000,
              "SQL_DAYS");
static_assert(DELIVERY_PENDING == 0, "state of SQL_DELIVERIES_DUE and others");

/* A number of our headers inside a statement. */
#define TEXT_OF(x) #x
#define TEXT(x)    TEXT_OF(x)

/* clang-format off */
const char *const sqlite_sql[N_SQL] = {
    [SQL_BEGIN] = "BEGIN IMMEDIATE",
    [SQL_COMMIT] = "COMMIT",
    [SQL_ROLLBACK] = "ROLLBACK",
    [SQL_SAVE] = "SAVEPOINT one",
    [SQL_RELEASE] = "RELEASE one",
    [SQL_UNDO] = "ROLLBACK TO one",

    [SQL_RUN_INSERT] =
        "INSERT INTO runs (run_id, tenant_id, profile_id, workflow_id, state_key, plan_signature,"
        " state, created_us, updated_us, last_seq, last_ts_us, doc, settings, n_results,"
        " cost_usd)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
    [SQL_RUN_GET] =
        "SELECT " RUN_COLUMNS " FROM runs WHERE tenant_id = ?1 AND run_id = ?2",
    [SQL_RUN_WRITE] =
        "UPDATE runs SET state = ?2, updated_us = ?3, started_us = ?4, finished_us = ?5,"
        " last_seq = ?6, last_ts_us = ?7, attempts = ?8, attempts_no_progress = ?9,"
        " has_result = ?10, logged = ?11, doc = coalesce(?12, doc), cost_usd = ?13,"
        " n_results = ?14"
        " WHERE id = ?1",
    [SQL_RUN_DELETE] = "DELETE FROM runs WHERE id = ?1",
    [SQL_RUNS_IN_STATES] =
        "SELECT " RUN_COLUMNS " FROM runs WHERE " IN_STATES
        " AND (?1 IS NULL OR tenant_id = ?1) ORDER BY created_us, id",
    [SQL_RUNS_UNSETTLED] =
        "SELECT " RUN_COLUMNS " FROM runs WHERE state >= 4 AND has_result = 0"
        " ORDER BY created_us, id",
    [SQL_RUNS_UNLOGGED] =
        "SELECT " RUN_COLUMNS " FROM runs WHERE state >= 4 AND has_result = 1 AND logged = 0"
        " ORDER BY finished_us, id LIMIT ?1",
    [SQL_RUNS_EXPIRED] =
        "SELECT " RUN_COLUMNS " FROM runs WHERE state >= 3 AND updated_us < ?2 AND NOT EXISTS"
        " (SELECT 1 FROM deliveries d WHERE d.run = runs.id AND d.state = 0)"
        " ORDER BY updated_us, id LIMIT ?1",
    /* The index holds the state, too: rows that are not wanted are passed over inside it. */
    [SQL_RUNS_PAGE] =
        "SELECT " RUN_COLUMNS " FROM runs INDEXED BY runs_by_created WHERE tenant_id = ?1 AND "
        IN_STATES " AND (created_us, run_id) < (?12, ?13) AND (?15 = '' OR instr(lower("
        "run_id || ' ' || coalesce(workflow_id, '') || ' ' || coalesce(profile_id, '') || ' ' ||"
        " coalesce(json_extract(doc, '$.payload.plan_name'), '') || ' ' ||"
        " coalesce(json_extract(doc, '$.payload.micro'), '') || ' ' ||"
        " coalesce(json_extract(doc, '$.payload.instruction'), '')), ?15))"
        " ORDER BY created_us DESC, run_id DESC LIMIT ?14",
    [SQL_COST_SINCE] =
        "SELECT (SELECT total(cost_usd) FROM runs INDEXED BY runs_by_cost WHERE tenant_id = ?1"
        " AND created_us >= ?2 AND cost_usd > 0)"
        " + (SELECT total(usd) FROM paid WHERE tenant_id = ?1 AND day_us >= ?2)",
    [SQL_COST_ADD] =
        "INSERT INTO paid (tenant_id, day_us, usd) VALUES (?1, ?2, ?3)"
        " ON CONFLICT (tenant_id, day_us) DO UPDATE SET usd = usd + excluded.usd",
    [SQL_DAYS] =
        "SELECT day, sum(runs), sum(good), sum(bad), sum(usd) FROM ("
        "SELECT created_us / 86400000000 AS day, count(*) AS runs, total(state = 4) AS good,"
        " total(state BETWEEN 5 AND 7 OR state = 9) AS bad, total(cost_usd) AS usd"
        " FROM runs INDEXED BY runs_by_created WHERE tenant_id = ?1 AND created_us >= ?2 GROUP BY 1"
        " UNION ALL SELECT day_us / 86400000000, 0, 0, 0, usd FROM paid"
        " WHERE tenant_id = ?1 AND day_us >= ?2) GROUP BY 1 ORDER BY 1 LIMIT ?3",
    [SQL_PROFILE_HOLDER] =
        "SELECT run_id FROM runs WHERE tenant_id = ?1 AND profile_id = ?2 AND state < 4",
    [SQL_PART_PUT] =
        "INSERT INTO run_parts (run, part, body) VALUES (?1, ?2, ?3)"
        " ON CONFLICT (run, part) DO UPDATE SET body = excluded.body",
    [SQL_PART_GET] = "SELECT body FROM run_parts WHERE run = ?1 AND part = ?2",
    [SQL_RESULT_ADD] = "INSERT INTO step_results (run, n, body) VALUES (?1, ?2, ?3)",
    [SQL_RESULTS_CUT] = "DELETE FROM step_results WHERE run = ?1 AND n >= ?2",
    [SQL_RESULTS_GET] = "SELECT body FROM step_results WHERE run = ?1 ORDER BY n",
    [SQL_WORKFLOW] =
        "SELECT p.body, r.id FROM runs r JOIN run_parts p ON p.run = r.id AND p.part = 2"
        " WHERE r.tenant_id = ?1 AND r.workflow_id = ?2 AND r.plan_signature = ?3"
        " ORDER BY r.created_us DESC, r.id DESC LIMIT 1",

    [SQL_EVENT_ADD] = "INSERT INTO events (run, seq, body) VALUES (?1, ?2, ?3)",
    [SQL_EVENTS_GET] =
        "SELECT body FROM events WHERE run = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3",
    [SQL_JOURNAL_PUT] =
        "INSERT INTO journal (run, entry, state, detail) VALUES (?1, ?2, ?3, ?4)"
        " ON CONFLICT (run, entry) DO UPDATE SET state = excluded.state, detail = excluded.detail",
    [SQL_JOURNAL_GET] = "SELECT entry, state, detail FROM journal WHERE run = ?1",

    /* A key that is older than ?7 is free again. */
    [SQL_KEY_PUT] =
        "INSERT INTO keys (tenant_id, key_hash, run, body_hash, reply, stored_us)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (tenant_id, key_hash) DO UPDATE SET"
        " run = excluded.run, body_hash = excluded.body_hash, reply = excluded.reply,"
        " stored_us = excluded.stored_us WHERE stored_us < ?7",
    [SQL_KEY_GET] =
        "SELECT r.run_id, k.body_hash, k.reply, k.stored_us FROM keys k JOIN runs r ON r.id = k.run"
        " WHERE k.tenant_id = ?1 AND k.key_hash = ?2 AND k.stored_us >= ?3",
    [SQL_KEYS_SWEEP] =
        "DELETE FROM keys WHERE (tenant_id, key_hash) IN"
        " (SELECT tenant_id, key_hash FROM keys WHERE stored_us < ?1 ORDER BY stored_us LIMIT ?2)",
    [SQL_RECIPE_PUT] =
        "INSERT INTO recipes (tenant_id, name, body) VALUES (?1, ?2, ?3)"
        " ON CONFLICT (tenant_id, name) DO UPDATE SET body = excluded.body",
    [SQL_RECIPE_GET] = "SELECT body FROM recipes WHERE tenant_id = ?1 AND name = ?2",
    [SQL_RECIPE_LIST] = "SELECT name FROM recipes WHERE tenant_id = ?1 ORDER BY name",
    [SQL_RECIPE_COUNT] =
        "SELECT count(*) FROM recipes WHERE tenant_id = ?1 AND name != ?2",
    [SQL_RECIPE_DELETE] = "DELETE FROM recipes WHERE tenant_id = ?1 AND name = ?2",

    [SQL_DELIVERY_ADD] =
        "INSERT INTO deliveries (id, tenant_id, run, event, url, secret_name, payload, state,"
        " created_us, next_us) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, ?8, ?9)"
        " ON CONFLICT (run) DO NOTHING",
    [SQL_DELIVERY_PENDING] = "SELECT 1 FROM deliveries WHERE run = ?1 AND state = 0",
    [SQL_DELIVERY_ATTEMPT] =
        "UPDATE deliveries SET attempts = attempts + 1, state = ?2, next_us = ?3, last_status = ?4,"
        " last_error = ?5 WHERE id = ?1 AND state = 0 AND next_us = ?6",
    [SQL_DELIVERY_REPLAY] =
        "UPDATE deliveries SET attempts = 0, state = 0, next_us = ?3"
        " WHERE id = ?1 AND tenant_id = ?2",
    [SQL_DELIVERY_FIND] = "SELECT n FROM deliveries WHERE id = ?1 AND (?2 IS NULL OR tenant_id = ?2)",
    [SQL_DELIVERY_LOG_ADD] =
        "INSERT INTO delivery_attempts (delivery, n, at_us, status, duration_ms, error)"
        " SELECT ?1, coalesce(max(n), 0) + 1, ?2, ?3, ?4, ?5 FROM delivery_attempts"
        " WHERE delivery = ?1",
    [SQL_DELIVERY_LOG_TRIM] =
        "DELETE FROM delivery_attempts WHERE delivery = ?1 AND n <="
        " (SELECT max(n) FROM delivery_attempts WHERE delivery = ?1) - ?2",
    [SQL_DELIVERY_LOG] =
        "SELECT n, at_us, status, duration_ms, error FROM delivery_attempts WHERE delivery = ?1"
        " ORDER BY n",
    /* From tenant to tenant by the index, and a few of each: a backlog is not read through. */
    [SQL_DELIVERIES_DUE] =
        "WITH RECURSIVE tenants (name) AS (SELECT min(tenant_id) FROM deliveries WHERE state = 0"
        " UNION ALL SELECT (SELECT min(tenant_id) FROM deliveries WHERE state = 0 AND"
        " tenant_id > name) FROM tenants WHERE name IS NOT NULL),"
        " ranks (n, next_us, rank) AS (SELECT f.n, f.next_us, row_number() OVER"
        " (PARTITION BY f.tenant_id ORDER BY f.next_us, f.n) FROM tenants t JOIN deliveries f"
        " WHERE f.n IN (SELECT e.n FROM deliveries e WHERE e.state = 0 AND e.tenant_id = t.name"
        " ORDER BY e.next_us, e.n LIMIT " TEXT(OUTBOX_PER_TENANT) ")),"
        " turns (n, late, turn) AS (SELECT n, next_us > ?2, CASE WHEN next_us > ?2 THEN 0 ELSE"
        " rank END FROM ranks ORDER BY 2, 3, next_us, n LIMIT ?1)"
        " SELECT " DELIVERY_COLUMNS " JOIN turns t ON t.n = d.n"
        " ORDER BY t.late, t.turn, d.next_us, d.n",
    [SQL_DELIVERIES] =
        "SELECT " DELIVERY_COLUMNS " WHERE d.tenant_id = ?2 AND (?3 >> d.state) & 1"
        " ORDER BY d.n DESC LIMIT ?1",
    [SQL_DELIVERIES_OF_RUN] =
        "SELECT " DELIVERY_COLUMNS " WHERE r.tenant_id = ?2 AND r.run_id = ?4"
        " AND (?3 >> d.state) & 1 LIMIT ?1",
    [SQL_DELIVERIES_PENDING] = "SELECT count(*) FROM deliveries WHERE state = 0",
};
/* clang-format on */
