import json

from local.assembly import read_stacks

BUCKET = "cdk-hnb659fds-assets-${AWS::AccountId}-${AWS::Region}"


def assembly(folder):
    def asset(name):
        destination = {"bucketName": BUCKET, "objectKey": f"{name}.zip"}
        return {"source": {"path": f"asset.{name}", "packaging": "zip"}, "destinations": {"here": destination}}

    def write(name, content):
        (folder / name).write_text(json.dumps(content))

    layer = {"Type": "AWS::Lambda::LayerVersion", "Properties": {"Content": {"S3Key": "wheels.zip"}}}
    write("api.template.json", {"Resources": {"layer": layer}})
    write("store.template.json", {"Resources": {}})
    write("api.assets.json", {"files": {"wheels": asset("wheels"), "handler": asset("handler")}})
    write(
        "manifest.json",
        {
            "artifacts": {
                "api": {
                    "type": "aws:cloudformation:stack",
                    "dependencies": ["store", "api.assets"],
                    "properties": {"templateFile": "api.template.json", "stackName": "prod-api"},
                },
                "api.assets": {"type": "cdk:asset-manifest", "properties": {"file": "api.assets.json"}},
                "store": {
                    "type": "aws:cloudformation:stack",
                    "properties": {"templateFile": "store.template.json"},
                },
                "Tree": {"type": "cdk:tree"},
            }
        },
    )
    return folder


def test_stacks_come_after_what_they_depend_on(tmp_path):
    assert [stack.name for stack in read_stacks(assembly(tmp_path))] == ["store", "prod-api"]


def test_assets_go_where_the_template_looks_for_them(tmp_path):
    wheels, handler = read_stacks(assembly(tmp_path))[1].assets
    assert (wheels.key, wheels.layer) == ("wheels.zip", True)
    assert (handler.key, handler.layer) == ("handler.zip", False)
    assert handler.bucket == "cdk-hnb659fds-assets-000000000000-eu-central-1"
    assert handler.path == tmp_path / "asset.handler"


def test_another_template_has_another_digest(tmp_path):
    before = [stack.digest for stack in read_stacks(assembly(tmp_path))]
    (tmp_path / "store.template.json").write_text('{"Resources": {"new": {"Type": "AWS::SQS::Queue"}}}')
    after = [stack.digest for stack in read_stacks(tmp_path)]
    assert after[0] != before[0]
    assert after[1] == before[1]
