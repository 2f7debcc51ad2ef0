#pragma once
#include <sqlite3.h>

// Variadic, which Swift cannot call. Before the first connection only; counting each allocation
// under a lock serves nobody here.
static inline int postern_sqlite_without_statistics(void) {
    return sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}
