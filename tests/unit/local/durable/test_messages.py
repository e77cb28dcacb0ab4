from types import SimpleNamespace

from local.durable.journal import Journal
from local.durable.messages import DurableMessages

ADDRESS = ("account", "region", "queue")


def message(name):
    return {"id": name, "receive_count": 0, "sent_at": 0, "visible_at": 0}


def test_a_message_is_written_at_once_even_by_a_call_that_is_still_under_way(tmp_path, monkeypatch):
    queue = {"messages": []}
    queues = SimpleNamespace(all_items=lambda: [(ADDRESS, queue)])
    monkeypatch.setattr("ministack.services.sqs._queues", queues)
    journal = Journal(tmp_path / "j.db")
    messages = DurableMessages(journal)
    with journal.together():  # one call, which comes upon the message that another one has just sent
        queue["messages"].append(message("theirs"))
        messages._compare()
        journal.wait()
        assert [key[-1] for key, _ in journal.records("message")] == ["theirs"]
    queue["messages"].clear()
    messages._compare()
    journal.wait()
    assert list(journal.records("message")) == []
