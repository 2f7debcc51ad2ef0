/// The tables. Rows of `message` and `body` never change, those of `recipient` do.
///
/// A recipient has a `due` time exactly while it is unfinished, so that the index on it is the
/// queue. Of the states, written as `RecipientStatus` numbers them, only the uncommon ones are in
/// `recipient_status`: mail that simply passes (sending 70, queued 80, relayed 110, delivered 120)
/// does not touch it.
enum Schema {
    static func version(of database: Database) throws(StoreError) -> Int {
        Int(try database.integer("PRAGMA user_version") ?? 0)
    }

    /// Brings an older database up to date, one version a transaction.
    static func migrate(
        _ database: Database,
        by migrations: [String] = migrations
    ) throws(StoreError) {
        let (found, version) = (try self.version(of: database), migrations.count)
        guard found <= version else { throw .newerSchema(found: found, known: version) }
        for next in found..<version {
            try database.execute("BEGIN IMMEDIATE")
            do throws(StoreError) {
                try database.execute(migrations[next])
                try database.execute("PRAGMA user_version = \(next + 1)")
                try database.execute("COMMIT")
            } catch {
                if database.isInTransaction { try database.execute("ROLLBACK") }
                throw error
            }
        }
    }

    /// Each brings the database from its index to the next version. Never edit one that was released.
    static let migrations: [String] = [
        """
        CREATE TABLE mark (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;

        CREATE TABLE message (
            n INTEGER PRIMARY KEY,
            id BLOB NOT NULL,
            header_hash INTEGER NOT NULL,
            created INTEGER NOT NULL,
            application BLOB,
            connector TEXT NOT NULL,
            sender_local TEXT,
            sender_domain TEXT,
            header_id TEXT NOT NULL,
            subject TEXT NOT NULL,
            external_id TEXT,
            tags TEXT,
            metadata TEXT,
            priority INTEGER NOT NULL,
            send_at INTEGER,
            expires_at INTEGER,
            thread_key TEXT,
            origin TEXT NOT NULL,
            peer TEXT NOT NULL,
            flags INTEGER NOT NULL,
            octets INTEGER NOT NULL,
            dsn_ret TEXT,
            dsn_envid TEXT
        );
        -- Ids grow with time, so this appends. The hash rides along: an index of its own would dirty
        -- a page somewhere for each message, and scanning this one takes 45 ns a message.
        CREATE UNIQUE INDEX message_id ON message (id, header_hash);
        CREATE INDEX message_external_id ON message (external_id) WHERE external_id IS NOT NULL;
        CREATE INDEX message_application ON message (application) WHERE application IS NOT NULL;

        CREATE TABLE body (n INTEGER PRIMARY KEY, octets BLOB NOT NULL);

        CREATE TABLE piece (
            message INTEGER NOT NULL,
            idx INTEGER NOT NULL,
            spool INTEGER NOT NULL,
            PRIMARY KEY (message, idx)
        ) WITHOUT ROWID;
        CREATE TABLE spool (
            id INTEGER PRIMARY KEY,
            created INTEGER NOT NULL,
            owners INTEGER NOT NULL,
            chunks INTEGER NOT NULL
        );
        CREATE INDEX spool_unowned ON spool (created) WHERE owners = 0;
        -- n is the spool's id times 2^20, plus the chunk's place.
        CREATE TABLE chunk (n INTEGER PRIMARY KEY, octets BLOB NOT NULL);

        CREATE TABLE recipient (
            message INTEGER NOT NULL,
            idx INTEGER NOT NULL,
            local TEXT NOT NULL,
            domain TEXT NOT NULL,
            route TEXT NOT NULL,
            status INTEGER NOT NULL,
            attempts INTEGER NOT NULL,
            due INTEGER,
            reply_code INTEGER,
            reply_enhanced TEXT,
            reply_text TEXT,
            reply_host TEXT,
            reply_at INTEGER,
            dsn_notify INTEGER,
            dsn_orcpt TEXT,
            PRIMARY KEY (message, idx)
        ) WITHOUT ROWID;
        CREATE INDEX recipient_due ON recipient (due) WHERE due IS NOT NULL;
        -- NOT IN would build a table of the four for each row that is written.
        CREATE INDEX recipient_status ON recipient (status, message)
            WHERE status <> 70 AND status <> 80 AND status <> 110 AND status <> 120;

        CREATE INDEX message_send_at ON message (send_at) WHERE send_at IS NOT NULL;

        -- What senders are still to be told.
        CREATE TABLE report (
            message INTEGER NOT NULL,
            idx INTEGER NOT NULL,
            kind INTEGER NOT NULL,
            at INTEGER NOT NULL,
            PRIMARY KEY (message, idx, kind)
        ) WITHOUT ROWID;
        -- Recipients that were unfinished at their application's deadline or failed, the step that is
        -- next (1: by another route, 2: to somebody else), and when to look at them.
        CREATE TABLE escalation (
            message INTEGER NOT NULL,
            idx INTEGER NOT NULL,
            step INTEGER NOT NULL,
            due INTEGER NOT NULL,
            PRIMARY KEY (message, idx)
        ) WITHOUT ROWID;
        CREATE INDEX escalation_due ON escalation (due);
        -- Messages of which somebody else has a copy.
        CREATE TABLE escalated (message INTEGER PRIMARY KEY);
        -- When the postmaster was last told of a cause, in days since 1970.
        CREATE TABLE notice (cause TEXT PRIMARY KEY, day INTEGER NOT NULL) WITHOUT ROWID;

        CREATE TABLE event (
            n INTEGER PRIMARY KEY,
            at INTEGER NOT NULL,
            type TEXT NOT NULL,
            message INTEGER,
            recipient INTEGER,
            detail TEXT
        );
        CREATE INDEX event_message ON event (message) WHERE message IS NOT NULL;
        CREATE INDEX event_other ON event (at) WHERE message IS NULL;

        -- Addresses to which nothing is sent, and what may make others so.
        CREATE TABLE suppression (
            address TEXT PRIMARY KEY,
            reason TEXT NOT NULL,
            comment TEXT,
            created INTEGER NOT NULL,
            expires INTEGER
        ) WITHOUT ROWID;
        CREATE TABLE hard_bounce (
            address TEXT NOT NULL,
            message INTEGER NOT NULL,
            at INTEGER NOT NULL,
            PRIMARY KEY (address, message)
        ) WITHOUT ROWID;

        -- Where events are told, up to which number they have been, and those that must be told again.
        CREATE TABLE webhook (
            id BLOB PRIMARY KEY,
            url TEXT NOT NULL,
            events TEXT NOT NULL,
            application BLOB,
            secret BLOB NOT NULL,
            old_secret BLOB,
            old_until INTEGER,
            created INTEGER NOT NULL,
            disabled TEXT,
            position INTEGER NOT NULL,
            success INTEGER,
            failure INTEGER,
            error TEXT
        ) WITHOUT ROWID;
        -- Without a due time it was given up.
        CREATE TABLE webhook_retry (
            webhook BLOB NOT NULL,
            event INTEGER NOT NULL,
            attempts INTEGER NOT NULL,
            first INTEGER NOT NULL,
            due INTEGER,
            error TEXT NOT NULL,
            PRIMARY KEY (webhook, event)
        ) WITHOUT ROWID;
        CREATE INDEX webhook_retry_due ON webhook_retry (webhook, due);

        -- Routes that carry nothing for the time being.
        CREATE TABLE suspension (
            name TEXT PRIMARY KEY,
            reason TEXT NOT NULL,
            by TEXT NOT NULL,
            since INTEGER NOT NULL,
            until INTEGER
        ) WITHOUT ROWID;

        CREATE TABLE answer (
            n INTEGER PRIMARY KEY,
            scope TEXT NOT NULL,
            key TEXT NOT NULL,
            fingerprint BLOB NOT NULL,
            status INTEGER NOT NULL,
            headers TEXT,
            body BLOB NOT NULL,
            expires INTEGER NOT NULL
        );
        CREATE UNIQUE INDEX answer_key ON answer (scope, key);
        CREATE INDEX answer_expires ON answer (expires);

        CREATE TABLE application (
            id BLOB PRIMARY KEY,
            name TEXT NOT NULL UNIQUE,
            relays INTEGER NOT NULL,
            senders TEXT,
            recipients TEXT,
            scopes TEXT,
            rate INTEGER,
            ip_ranges TEXT,
            default_from TEXT,
            default_to TEXT,
            created INTEGER NOT NULL,
            certificates TEXT,
            uncertain TEXT,
            deliver_within INTEGER,
            escalate_route TEXT,
            escalate_to TEXT
        ) WITHOUT ROWID;
        CREATE TABLE credential (
            id BLOB PRIMARY KEY,
            application BLOB NOT NULL,
            username TEXT NOT NULL COLLATE NOCASE UNIQUE,
            verifier TEXT NOT NULL,
            sealed BLOB,
            created INTEGER NOT NULL,
            used INTEGER
        ) WITHOUT ROWID;

        -- An address has sixteen octets; the application of the anonymous has none.
        CREATE TABLE source (
            n INTEGER PRIMARY KEY,
            address BLOB NOT NULL,
            connector TEXT NOT NULL,
            application BLOB NOT NULL,
            first_seen INTEGER NOT NULL,
            last_seen INTEGER NOT NULL,
            helo TEXT,
            tls_version TEXT,
            tls_cipher TEXT,
            mechanism TEXT,
            quirks INTEGER NOT NULL,
            messages INTEGER NOT NULL,
            refusals INTEGER NOT NULL
        );
        CREATE UNIQUE INDEX source_key ON source (address, connector, application);
        CREATE TABLE quota_use (
            route TEXT NOT NULL,
            span INTEGER NOT NULL,
            slot INTEGER NOT NULL,
            lane INTEGER NOT NULL,
            used INTEGER NOT NULL,
            PRIMARY KEY (route, span, slot, lane)
        ) WITHOUT ROWID;
        CREATE TABLE watched_range (
            connector TEXT NOT NULL,
            lower BLOB NOT NULL,
            upper BLOB NOT NULL,
            since INTEGER NOT NULL,
            PRIMARY KEY (connector, lower, upper)
        ) WITHOUT ROWID;
        CREATE TABLE api_key (
            id TEXT PRIMARY KEY,
            kind TEXT NOT NULL,
            application BLOB,
            secret_hash BLOB NOT NULL,
            name TEXT,
            created INTEGER NOT NULL,
            expires INTEGER,
            revoked INTEGER,
            used INTEGER
        ) WITHOUT ROWID;
        """
    ]
}
