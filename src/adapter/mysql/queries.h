// SPDX-License-Identifier: Apache-2.0
//
// The SQL of member_admin, in one place. A '?' is filled by bind() (sql_text.h).
#pragma once

#include <string_view>

namespace trivet::mysql::queries {

// The admin session itself: known sql_mode and time zone whatever the parameter group says, and no
// end to idleness.
inline constexpr std::string_view kPrepareSession =
    "SET SESSION sql_mode='', time_zone='+00:00', wait_timeout=31536000, autocommit=1";

// All of one member's facts that are variables.
inline constexpr std::string_view kVariables =
    "SELECT @@GLOBAL.server_uuid AS server_uuid, @@GLOBAL.server_id AS server_id,"
    " @@GLOBAL.gtid_executed AS executed, @@GLOBAL.read_only AS read_only,"
    " @@GLOBAL.super_read_only AS super_read_only, @@GLOBAL.offline_mode AS offline_mode,"
    " @@GLOBAL.event_scheduler AS event_scheduler,"
    " @@GLOBAL.rpl_semi_sync_source_enabled AS source_enabled,"
    " @@GLOBAL.rpl_semi_sync_replica_enabled AS replica_enabled,"
    " GTID_SUBTRACT(CONCAT(@@GLOBAL.gtid_executed, ',', ?), '') AS received";
inline constexpr std::string_view kSemiSyncStatus =
    "SHOW GLOBAL STATUS LIKE 'Rpl\\_semi\\_sync\\_%'";
inline constexpr std::string_view kReplicaStatus = "SHOW REPLICA STATUS";

// Commit times at the source, as seconds since 1970, 0 when there is none: of the oldest
// transaction being applied, and of the newest one applied.
inline constexpr std::string_view kApplyTimes =
    "SELECT UNIX_TIMESTAMP(NOW(6)) AS now_s,"
    " MIN(IF(APPLYING_TRANSACTION='', NULL,"
    "   UNIX_TIMESTAMP(APPLYING_TRANSACTION_ORIGINAL_COMMIT_TIMESTAMP))) AS applying_s,"
    " MAX(IF(LAST_APPLIED_TRANSACTION='', NULL,"
    "   UNIX_TIMESTAMP(LAST_APPLIED_TRANSACTION_ORIGINAL_COMMIT_TIMESTAMP))) AS applied_s"
    " FROM performance_schema.replication_applier_status_by_worker";

// The received set first: it is then surely not more than what is received when the executed one
// is read.
inline constexpr std::string_view kApplyProgress =
    "SELECT (SELECT RECEIVED_TRANSACTION_SET"
    "   FROM performance_schema.replication_connection_status WHERE CHANNEL_NAME='') AS received,"
    " @@GLOBAL.gtid_executed AS executed,"
    " (SELECT TIMESTAMPDIFF(MICROSECOND, MIN(IF(APPLYING_TRANSACTION='', NULL,"
    "   APPLYING_TRANSACTION_ORIGINAL_COMMIT_TIMESTAMP)), NOW(6))"
    "   FROM performance_schema.replication_applier_status_by_worker) AS age_us";
inline constexpr std::string_view kCommitDelay = "SET GLOBAL binlog_group_commit_sync_delay=?";

inline constexpr std::string_view kIsSubset =
    "SELECT GTID_SUBSET(?, @@GLOBAL.gtid_executed) AS inside";
// 0: executed; 1: the time (seconds) was over.
inline constexpr std::string_view kWaitExecuted = "SELECT WAIT_FOR_EXECUTED_GTID_SET(?, ?) AS late";

inline constexpr std::string_view kStopReceiver = "STOP REPLICA IO_THREAD";
inline constexpr std::string_view kStopApplier = "STOP REPLICA SQL_THREAD";
inline constexpr std::string_view kStartApplier = "START REPLICA SQL_THREAD";
// The password lives in the receiver's memory only, also for its own reconnects.
inline constexpr std::string_view kStartReceiver = "START REPLICA IO_THREAD USER=? PASSWORD=?";
inline constexpr std::string_view kResetReplica = "RESET REPLICA ALL";
// SOURCE_AUTO_POSITION is not given to a channel that has it: the server would want the applier
// stopped too, and then it drops the relay logs (failover.md I9).
inline constexpr std::string_view kChangeSource =
    "CHANGE REPLICATION SOURCE TO SOURCE_HOST=?, SOURCE_PORT=?, SOURCE_SSL=1, SOURCE_SSL_CA=?,"
    " SOURCE_SSL_VERIFY_SERVER_CERT=1, SOURCE_TLS_VERSION='TLSv1.2,TLSv1.3', "
    "GET_SOURCE_PUBLIC_KEY=0,"
    " SOURCE_HEARTBEAT_PERIOD=0.5, SOURCE_CONNECT_RETRY=1, SOURCE_RETRY_COUNT=1000000?";
inline constexpr std::string_view kAutoPosition = ", SOURCE_AUTO_POSITION=1";

inline constexpr std::string_view kApplierThreads =
    "SELECT PROCESSLIST_ID AS id FROM performance_schema.threads"
    " WHERE NAME IN ('thread/sql/replica_worker', 'thread/sql/replica_sql')"
    " AND PROCESSLIST_ID IS NOT NULL";
// The semi-sync replica plugin sets its user variable in its dump session.
inline constexpr std::string_view kDumpThreads =
    "SELECT t.PROCESSLIST_ID AS id, t.PROCESSLIST_USER AS user, t.PROCESSLIST_HOST AS host,"
    " MAX(v.VARIABLE_VALUE IS NOT NULL AND v.VARIABLE_VALUE<>'0') AS semi_sync"
    " FROM performance_schema.threads t"
    " LEFT JOIN performance_schema.user_variables_by_thread v"
    "   ON v.THREAD_ID=t.THREAD_ID"
    "  AND v.VARIABLE_NAME IN ('rpl_semi_sync_replica', 'rpl_semi_sync_slave')"
    " WHERE t.PROCESSLIST_COMMAND LIKE 'Binlog Dump%' GROUP BY 1, 2, 3";
inline constexpr std::string_view kKill = "KILL ?";
inline constexpr std::string_view kOwnOtherSessions =
    "SELECT t.PROCESSLIST_ID AS id FROM performance_schema.threads t"
    " JOIN performance_schema.threads me ON me.PROCESSLIST_ID=CONNECTION_ID()"
    " WHERE t.PROCESSLIST_USER=me.PROCESSLIST_USER AND t.PROCESSLIST_ID<>me.PROCESSLIST_ID";
// Unlike the tables, it shows the client's port, and needs no temporary table.
inline constexpr std::string_view kSessions = "SHOW PROCESSLIST";

inline constexpr std::string_view kSourceWaitsForever =
    "SET GLOBAL rpl_semi_sync_source_timeout=4294967295,"
    " GLOBAL rpl_semi_sync_source_wait_no_replica=ON,"
    " GLOBAL rpl_semi_sync_source_wait_for_replica_count=?";
inline constexpr std::string_view kSourceOn = "SET GLOBAL rpl_semi_sync_source_enabled=ON";
inline constexpr std::string_view kSourceOff = "SET GLOBAL rpl_semi_sync_source_enabled=OFF";

inline constexpr std::string_view kOpenForWrites =
    "SET GLOBAL super_read_only=OFF, GLOBAL read_only=OFF";
inline constexpr std::string_view kCloseForWrites = "SET GLOBAL super_read_only=ON";
inline constexpr std::string_view kOfflineOn = "SET GLOBAL offline_mode=ON";
inline constexpr std::string_view kOfflineOff = "SET GLOBAL offline_mode=OFF";
inline constexpr std::string_view kEventsOn = "SET GLOBAL event_scheduler=ON";
inline constexpr std::string_view kEventsOff = "SET GLOBAL event_scheduler=OFF";

// Waits for what writes now and for commits underway; later ones wait for it. It is the session's:
// gone when that ends.
inline constexpr std::string_view kHoldWrites = "FLUSH TABLES WITH READ LOCK";
inline constexpr std::string_view kReleaseWrites = "UNLOCK TABLES";
// Clients' sessions that keep a hold from being short: a statement that has run for so many
// seconds, or a transaction that has written and is so old (a prepared one belongs to nobody and is
// the next writer's too). Of a statement only what kind it is: its text may hold secrets.
inline constexpr std::string_view kInTheWay =
    "SELECT t.PROCESSLIST_ID AS id, t.PROCESSLIST_USER AS user, t.PROCESSLIST_HOST AS host,"
    " COALESCE(x.open_s, t.PROCESSLIST_TIME) AS seconds,"
    " IF(t.PROCESSLIST_INFO IS NULL, 'an open transaction that has written',"
    "   UPPER(SUBSTRING_INDEX(TRIM(t.PROCESSLIST_INFO), ' ', 2))) AS what"
    " FROM performance_schema.threads t"
    " LEFT JOIN (SELECT trx_mysql_thread_id AS id,"
    "   TIMESTAMPDIFF(SECOND, MIN(trx_started), NOW()) AS open_s"
    "   FROM information_schema.innodb_trx WHERE trx_rows_modified > 0 GROUP BY 1) x"
    "   ON x.id=t.PROCESSLIST_ID"
    " WHERE t.PROCESSLIST_USER IS NOT NULL AND t.PROCESSLIST_ID<>CONNECTION_ID()"
    " AND t.PROCESSLIST_COMMAND NOT LIKE 'Binlog Dump%' AND t.PROCESSLIST_COMMAND<>'Daemon'"
    " AND t.PROCESSLIST_USER<>'system user'"
    " AND (x.open_s>=? OR (t.PROCESSLIST_INFO IS NOT NULL AND t.PROCESSLIST_TIME>=?))"
    " ORDER BY 4 DESC LIMIT 1";

inline constexpr std::string_view kLockAccount = "ALTER USER ? ACCOUNT LOCK";
inline constexpr std::string_view kUnlockAccount = "ALTER USER ? ACCOUNT UNLOCK";
inline constexpr std::string_view kCreateReplicationAccount =
    "CREATE USER IF NOT EXISTS ? IDENTIFIED WITH caching_sha2_password BY ? REQUIRE SSL";
inline constexpr std::string_view kSetPassword =
    "ALTER USER ? IDENTIFIED WITH caching_sha2_password BY ? REQUIRE SSL";
// CONNECTION_ADMIN: a voter must attach to a new writer while its door (offline_mode) is still shut
// (I7).
inline constexpr std::string_view kGrantReplication =
    "GRANT REPLICATION SLAVE, CONNECTION_ADMIN ON *.* TO ?";

inline constexpr std::string_view kBinlogOff = "SET SESSION sql_log_bin=0";
inline constexpr std::string_view kBinlogOn = "SET SESSION sql_log_bin=1";

}  // namespace trivet::mysql::queries
