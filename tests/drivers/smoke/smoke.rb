# SPDX-License-Identifier: Apache-2.0
# The Ruby driver 2.5 (Debian's ruby-mongo): connect, CRUD, aggregate, duplicate key, change of primary.
# Run by run.py.
require 'uri'
# ruby-mongo 2.5 calls what Ruby 3 took away.
module URI
  def self.decode(text)
    URI::DEFAULT_PARSER.unescape(text)
  end
end
require 'mongo'

$stdout.sync = true
Mongo::Logger.logger.level = Logger::FATAL

def check(actual, expected)
  raise "expected #{expected.inspect}, got #{actual.inspect}" unless actual == expected
end

def crud(players)
  result = players.insert_many([{ _id: 1, name: 'Ada', score: 10, since: Time.at(0).utc },
                                { _id: 2, name: 'Bob', score: 20, wins: 2**60 },
                                { _id: 3, name: 'Cyd', score: 30, tags: %w[a b] }])
  check result.inserted_count, 3
  check players.insert_one(name: 'Dan', score: 40).n, 1
  check players.find(_id: 2).first['wins'], 2**60
  names = players.find({ score: { '$gte' => 20 } }, projection: { _id: 0, name: 1 }).sort(score: -1)
  check names.map { |d| d['name'] }, %w[Dan Cyd Bob]
  check players.update_many({ score: { '$lt' => 25 } }, '$inc' => { score: 1 }).modified_count, 2
  check players.update_one({ _id: 9 }, { '$set' => { name: 'Eve' } }, upsert: true).upserted_id, 9
  changed = players.find_one_and_update({ _id: 2 }, { '$set' => { name: 'Bo' } }, return_document: :after)
  check changed['name'], 'Bo'
  check players.delete_one(_id: 9).deleted_count, 1
  check players.count, 4
  check players.distinct('score').sort, [11, 21, 30, 40]
end

def cursors(collection)
  collection.insert_many((0...2500).map { |i| { _id: i } })
  check collection.find.sort(_id: 1).batch_size(100).map { |d| d['_id'] }, (0...2500).to_a
end

def duplicate_key(players)
  players.indexes.create_one({ name: 1 }, unique: true)
  check players.indexes.map { |i| i['name'] }, %w[_id_ name_1]
  players.insert_one(name: 'Ada')
  raise 'inserted a duplicate'
rescue Mongo::Error::OperationFailure => e
  raise unless e.message.include?('E11000 duplicate key error collection: smoke_ruby.players index: name_1')
end

def main
  client = Mongo::Client.new(ARGV[0], database: 'smoke_ruby', write: { w: 'majority' }, retry_writes: true,
                                      server_selection_timeout: 30)
  check client.database.command(ping: 1).n, 0
  puts 'connected'
  players = client[:players]
  crud(players)
  puts 'crud'
  cursors(client[:many])
  puts 'cursors'
  groups = players.aggregate([{ '$group' => { _id: { '$gt' => ['$score', 25] }, total: { '$sum' => '$score' } } },
                              { '$sort' => { _id: 1 } }]).map(&:to_h)
  check groups, [{ '_id' => false, 'total' => 32 }, { '_id' => true, 'total' => 70 }]
  puts 'aggregate'
  duplicate_key(players)
  puts 'duplicate key'
  check client.with(read: { mode: :secondary })[:players].find.to_a.size, 4
  puts 'secondary read'
  puts 'FAILOVER'
  $stdin.gets
  failover(players)
  puts 'failover'
  client.database.drop
  client.close
  puts 'ok'
end

# This driver retries once and looks for the new primary at most every half second, so the application
# repeats too; the number in the document makes each step its own.
def failover(players)
  50.times do |i|
    attempts = 0
    begin
      players.update_one({ _id: 1, seen: i.zero? ? nil : i }, '$set' => { seen: i + 1 })
    rescue Mongo::Error
      raise if (attempts += 1) > 100
      sleep 0.1
      retry
    end
  end
  check players.find(_id: 1).first['seen'], 50
end

main
