import re

import pytest

from aimass.adapters.aws.keys import DynamoApiKeys
from aimass.usecases.keys import holder_of
from ops.key import main


def test_the_key_that_is_printed_opens_the_tenant(registry, capsys):
    main(["--table", "table", "--tenant", "acme"])
    secret = capsys.readouterr().out.strip()
    assert re.fullmatch(r"aimass_[\w-]{43}", secret)
    assert holder_of(DynamoApiKeys(registry._client, "table"), f"Bearer {secret}").tenant == "acme"


@pytest.mark.parametrize(("table", "tenant"), [("table", "../other"), ("another", "acme")])
def test_what_went_wrong_is_one_line(registry, table, tenant, capsys):
    with pytest.raises(SystemExit) as caught:
        main(["--table", table, "--tenant", tenant])
    assert "\n" not in caught.value.code
    assert capsys.readouterr().out == ""
