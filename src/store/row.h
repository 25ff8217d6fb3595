/*
 * row.h - a run as it is kept: what callers see and what the rules need. Private to src/store.
 */
#ifndef MANTIS_STORE_ROW_H
#define MANTIS_STORE_ROW_H

#include "store/store.h"

struct store_row {
    struct run_record rec; /* without plan, checkpoint, result */
    int64_t id;            /* the kind's own name of this run */
    int64_t last_ts_us;    /* of its newest event */
    int64_t n_results;     /* step results of its checkpoint */
    bool logged;
};

#endif
