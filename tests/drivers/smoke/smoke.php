<?php
// SPDX-License-Identifier: Apache-2.0
// The PHP extension mongodb (Debian's php-mongodb): connect, CRUD, aggregate, duplicate key, change of primary.
// Run by run.py.
declare(strict_types=1);

use MongoDB\Driver\BulkWrite;
use MongoDB\Driver\Command;
use MongoDB\Driver\Exception\BulkWriteException;
use MongoDB\Driver\Manager;
use MongoDB\Driver\Query;
use MongoDB\Driver\ReadPreference;

const DATABASE = 'smoke_php';
const PLAYERS = DATABASE . '.players';

function check($actual, $expected): void
{
    if ($actual != $expected) {
        throw new RuntimeException('expected ' . json_encode($expected) . ', got ' . json_encode($actual));
    }
}

function say(string $text): void
{
    echo $text, "\n";
    flush();
}

function find(Manager $manager, array $filter, array $options = [], string $mode = 'primary'): array
{
    $query = new Query($filter, $options);
    return $manager->executeQuery(PLAYERS, $query, ['readPreference' => new ReadPreference($mode)])->toArray();
}

function command(Manager $manager, array $command): array
{
    return $manager->executeCommand(DATABASE, new Command($command))->toArray();
}

function crud(Manager $manager): void
{
    $bulk = new BulkWrite();
    $bulk->insert(['_id' => 1, 'name' => 'Ada', 'score' => 10, 'since' => new MongoDB\BSON\UTCDateTime(0)]);
    $bulk->insert(['_id' => 2, 'name' => 'Bob', 'score' => 20, 'wins' => 1 << 60]);
    $bulk->insert(['_id' => 3, 'name' => 'Cyd', 'score' => 30, 'tags' => ['a', 'b']]);
    $bulk->insert(['name' => 'Dan', 'score' => 40]);
    check($manager->executeBulkWrite(PLAYERS, $bulk)->getInsertedCount(), 4);
    check(find($manager, ['_id' => 2])[0]->wins, 1 << 60);
    $found = find($manager, ['score' => ['$gte' => 20]],
                  ['sort' => ['score' => -1], 'projection' => ['_id' => 0, 'name' => 1]]);
    check(array_column($found, 'name'), ['Dan', 'Cyd', 'Bob']);
    $bulk = new BulkWrite();
    $bulk->update(['score' => ['$lt' => 25]], ['$inc' => ['score' => 1]], ['multi' => true]);
    $bulk->update(['_id' => 9], ['$set' => ['name' => 'Eve']], ['upsert' => true]);
    $bulk->delete(['_id' => 9]);
    $result = $manager->executeBulkWrite(PLAYERS, $bulk);
    check([$result->getModifiedCount(), $result->getUpsertedCount(), $result->getDeletedCount()], [2, 1, 1]);
    check(command($manager, ['count' => 'players'])[0]->n, 4);
    check(command($manager, ['distinct' => 'players', 'key' => 'tags'])[0]->values, ['a', 'b']);
}

function cursors(Manager $manager): void
{
    $bulk = new BulkWrite();
    for ($i = 0; $i < 2500; $i++) {
        $bulk->insert(['_id' => $i]);
    }
    $manager->executeBulkWrite(DATABASE . '.many', $bulk);
    $seen = 0;
    $query = new Query([], ['sort' => ['_id' => 1], 'batchSize' => 100]);
    foreach ($manager->executeQuery(DATABASE . '.many', $query) as $document) {
        check($document->_id, $seen++);
    }
    check($seen, 2500);
}

function duplicateKey(Manager $manager): void
{
    command($manager, ['createIndexes' => 'players',
                       'indexes' => [['key' => ['name' => 1], 'name' => 'name_1', 'unique' => true]]]);
    check(array_column(command($manager, ['listIndexes' => 'players']), 'name'), ['_id_', 'name_1']);
    try {
        $bulk = new BulkWrite();
        $bulk->insert(['name' => 'Ada']);
        $manager->executeBulkWrite(PLAYERS, $bulk);
    } catch (BulkWriteException $e) {
        check($e->getWriteResult()->getWriteErrors()[0]->getCode(), 11000);
        return;
    }
    throw new RuntimeException('inserted a duplicate');
}

function failover(Manager $manager): void
{
    for ($i = 0; $i < 50; $i++) {
        $bulk = new BulkWrite();
        $bulk->update(['_id' => 1], ['$inc' => ['seen' => 1]]);
        $manager->executeBulkWrite(PLAYERS, $bulk);
    }
    check(find($manager, ['_id' => 1])[0]->seen, 50);
}

$manager = new Manager($argv[1] . '&w=majority');
check(command($manager, ['ping' => 1])[0]->ok, 1);
say('connected');
crud($manager);
say('crud');
cursors($manager);
say('cursors');
$groups = command($manager, ['aggregate' => 'players', 'cursor' => new stdClass(), 'pipeline' => [
    ['$group' => ['_id' => ['$gt' => ['$score', 25]], 'total' => ['$sum' => '$score']]],
    ['$sort' => ['_id' => 1]]]]);
check(array_column($groups, 'total'), [32, 70]);
say('aggregate');
duplicateKey($manager);
say('duplicate key');
check(count(find($manager, [], [], 'secondary')), 4);
say('secondary read');
say('FAILOVER');
fgets(STDIN);
failover($manager);
say('failover');
command($manager, ['dropDatabase' => 1]);
say('ok');
