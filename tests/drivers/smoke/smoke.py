# SPDX-License-Identifier: Apache-2.0
"""pymongo 3.11 (Debian): connect, CRUD, aggregate, duplicate key, change of primary. Run by run.py."""
import datetime
import sys

import pymongo
from bson import Decimal128, ObjectId
from bson.son import SON
from pymongo.errors import BulkWriteError, DuplicateKeyError


def crud(players):
    players.insert_many([{"_id": 1, "name": "Ada", "score": 10, "money": Decimal128("1.50"),
                          "since": datetime.datetime(2011, 1, 2, 3, 4, 5, 6000)},
                         {"_id": 2, "name": "Bob", "score": 20, "wins": 2**60},
                         {"_id": 3, "name": "Cyd", "score": 30, "tags": ["a", "b"]}])
    assert isinstance(players.insert_one({"name": "Dan", "score": 40}).inserted_id, ObjectId)
    assert players.find_one({"_id": 1})["since"] == datetime.datetime(2011, 1, 2, 3, 4, 5, 6000)
    names = list(players.find({"score": {"$gte": 20}}, {"_id": 0, "name": 1}).sort("score", -1))
    assert names == [{"name": "Dan"}, {"name": "Cyd"}, {"name": "Bob"}], names
    updated = players.update_many({"score": {"$lt": 25}}, {"$inc": {"score": 1}})
    assert (updated.matched_count, updated.modified_count) == (2, 2)
    assert players.update_one({"_id": 9}, {"$set": {"name": "Eve"}}, upsert=True).upserted_id == 9
    assert players.find_one_and_update({"_id": 2}, {"$set": {"name": "Bo"}},
                                       return_document=pymongo.ReturnDocument.AFTER)["name"] == "Bo"
    assert players.delete_one({"_id": 9}).deleted_count == 1
    assert players.count_documents({}) == 4
    assert players.estimated_document_count() == 4
    assert sorted(players.distinct("score")) == [11, 21, 30, 40]


def cursors(collection):
    collection.insert_many([{"_id": i} for i in range(2500)])
    assert [d["_id"] for d in collection.find().sort("_id", 1).batch_size(100)] == list(range(2500))


def duplicate_key(players):
    assert players.create_index([("name", 1)], unique=True) == "name_1"
    assert sorted(players.index_information()) == ["_id_", "name_1"]
    try:
        players.insert_one({"name": "Ada"})
        raise AssertionError("inserted a duplicate")
    except DuplicateKeyError as error:
        assert error.code == 11000 and error.details["keyValue"] == {"name": "Ada"}, error.details
    try:
        players.insert_many([{"name": "new"}, {"name": "Ada"}, {"name": "newer"}], ordered=False)
        raise AssertionError("inserted a duplicate")
    except BulkWriteError as error:
        assert error.details["nInserted"] == 2, error.details
        assert [e["index"] for e in error.details["writeErrors"]] == [1]
    players.delete_many({"name": {"$regex": "^new"}})


def main():
    client = pymongo.MongoClient(sys.argv[1], w="majority")
    client.admin.command("ping")
    print("connected", flush=True)
    database = client.smoke_python
    players = database.players
    crud(players)
    print("crud", flush=True)
    cursors(database.many)
    print("cursors", flush=True)
    groups = list(players.aggregate([
        {"$group": {"_id": {"$gt": ["$score", 25]}, "total": {"$sum": "$score"}}},
        {"$sort": SON([("_id", 1)])}]))
    assert groups == [{"_id": False, "total": 32}, {"_id": True, "total": 70}], groups
    print("aggregate", flush=True)
    duplicate_key(players)
    print("duplicate key", flush=True)
    secondary = players.with_options(read_preference=pymongo.ReadPreference.SECONDARY)
    assert len(list(secondary.find())) == 4
    print("secondary read", flush=True)
    print("FAILOVER", flush=True)
    sys.stdin.readline()
    for _ in range(50):
        players.update_one({"_id": 1}, {"$inc": {"seen": 1}})
    assert players.find_one({"_id": 1})["seen"] == 50
    print("failover", flush=True)
    client.drop_database("smoke_python")
    client.close()
    print("ok", flush=True)


if __name__ == "__main__":
    main()
