<?php
// The PHP peer: what a careful user would write with PDO under PHP-FPM.
// The database is named by libpq's PG... variables.
declare(strict_types=1);

const SECRETS_SECONDS = 60;
const NIL = '00000000-0000-0000-0000-000000000000';
const GUID = '/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/Di';
const COLUMNS = ['notification_id', 'received_at', 'tenant_id',
    'subscription_id', 'change_type', 'lifecycle_event', 'call_id',
    'resource', 'subscription_expires_at', 'forwarded_for'];

function database(): PDO
{
    static $connection = null;
    return $connection ??= new PDO('pgsql:', null, null, [
        PDO::ATTR_PERSISTENT => true,
        PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION,
        // Statement and values in one round trip: a prepared statement would
        // not outlive the request.
        PDO::PGSQL_ATTR_DISABLE_PREPARES => true,
    ]);
}

/** Digest and tenant by subscription, read anew once a minute. */
function secrets(): array
{
    $secrets = apcu_fetch('secrets', $found);
    if ($found) {
        return $secrets;
    }
    $secrets = [];
    foreach (database()->query(
        "SELECT encode(secret_sha256, 'hex') AS digest, tenant_id,
                subscription_id FROM callhook_store.good_secrets()",
        PDO::FETCH_ASSOC
    ) as $row) {
        $secrets[$row['subscription_id']] = $row;
    }
    apcu_store('secrets', $secrets, SECRETS_SECONDS);
    return $secrets;
}

function trusted(mixed $item, array $secrets): bool
{
    $known = $secrets[$item['subscriptionId'] ?? ''] ?? null;
    return $known !== null
        && is_string($item['clientState'] ?? null)
        && hash_equals($known['digest'], hash('sha256', $item['clientState']))
        && ($known['tenant_id'] === NIL
            || $known['tenant_id'] === ($item['tenantId'] ?? ''));
}

function guid(mixed $text): ?string
{
    return is_string($text) && preg_match(GUID, $text) ? $text : null;
}

function call_id(array $item): ?string
{
    $resource = $item['resource'] ?? '';
    if (!preg_match('#^/?communications/callRecords(/|$)#i', $resource)) {
        return null;
    }
    return guid($item['resourceData']['id'] ?? null)
        ?? guid(basename($resource));
}

function random_guid(): string
{
    $bytes = random_bytes(16);
    $bytes[6] = chr(ord($bytes[6]) & 0x0f | 0x40);
    $bytes[8] = chr(ord($bytes[8]) & 0x3f | 0x80);
    return vsprintf('%s%s-%s-%s-%s-%s%s%s', str_split(bin2hex($bytes), 4));
}

/** One statement for all rows of the request. */
function store(array $items): void
{
    $received = date_create_immutable('now', new DateTimeZone('UTC'))
        ->format('Y-m-d\TH:i:s.up');
    $from = $_SERVER['HTTP_X_FORWARDED_FOR'] ?? $_SERVER['REMOTE_ADDR'];
    $values = [];
    foreach ($items as $item) {
        array_push($values, random_guid(), $received,
            guid($item['tenantId'] ?? null) ?? NIL,
            guid($item['subscriptionId']), $item['changeType'] ?? null,
            $item['lifecycleEvent'] ?? null, call_id($item),
            $item['resource'] ?? null,
            $item['subscriptionExpirationDateTime'] ?? null, $from);
    }
    $row = '(' . implode(',', array_fill(0, count(COLUMNS), '?')) . ')';
    $statement = database()->prepare(
        'INSERT INTO callhook_store.notifications ('
        . implode(',', COLUMNS) . ') VALUES '
        . implode(',', array_fill(0, count($items), $row))
    );
    $statement->execute($values);
}

function take_body(): int
{
    $body = json_decode(file_get_contents('php://input'), true, 16);
    if (!is_array($body['value'] ?? null)) {
        return 400;
    }
    try {
        $secrets = secrets();
        $items = array_filter($body['value'],
            fn ($item) => is_array($item) && trusted($item, $secrets));
        if ($items) {
            store($items);
        }
    } catch (PDOException $failure) {
        error_log($failure->getMessage());
        return 503;
    }
    return 202;
}

header('Cache-Control: no-store');
header('X-Content-Type-Options: nosniff');
if (is_string($_GET['validationToken'] ?? null)) {
    header('Content-Type: text/plain; charset=utf-8');
    echo $_GET['validationToken'];
} else {
    http_response_code(take_body());
}
