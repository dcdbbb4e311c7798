<?php
// SPDX-License-Identifier: Apache-2.0
// One login through mysqli on mysqlnd. The job is JSON on standard input: {"host","port","user","password","ca"};
// without "ca" there is no TLS. Prints {"who"} or {"error"}.
$job = json_decode(stream_get_contents(STDIN), true);
mysqli_report(MYSQLI_REPORT_ERROR | MYSQLI_REPORT_STRICT);
try {
    $link = mysqli_init();
    $link->options(MYSQLI_OPT_CONNECT_TIMEOUT, 10);
    $flags = 0;
    if (isset($job["ca"])) {
        $link->ssl_set(null, null, $job["ca"], null, null);
        $flags = MYSQLI_CLIENT_SSL;
    }
    $link->real_connect($job["host"], $job["user"], $job["password"], null, $job["port"], null, $flags);
    $row = $link->query("SELECT CONCAT(CURRENT_USER(), ' ', @@external_user) AS who")->fetch_assoc();
    echo json_encode(["who" => $row["who"]]);
} catch (mysqli_sql_exception $error) {
    echo json_encode(["error" => $error->getCode() . " " . $error->getMessage()]);
}
