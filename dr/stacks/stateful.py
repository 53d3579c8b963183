"""Which resources come up empty: they hold data that dr does not bring back.

A new stack makes them anew; whatever they held stays behind. The table is judged by what the service stores for its
owner, not by whether AWS offers a backup of its own.
"""

from __future__ import annotations

from dr.stacks.evaluate import Evaluator, Facts
from dr.stacks.template import Template

STATEFUL = frozenset(
    {
        "AWS::ApiGateway::ApiKey",
        "AWS::AppConfig::Application",
        "AWS::Backup::BackupVault",
        "AWS::Cassandra::Table",
        "AWS::CloudTrail::EventDataStore",
        "AWS::CodeArtifact::Repository",
        "AWS::CodeCommit::Repository",
        "AWS::Cognito::IdentityPool",
        "AWS::Cognito::UserPool",
        "AWS::DAX::Cluster",
        "AWS::DirectoryService::MicrosoftAD",
        "AWS::DirectoryService::SimpleAD",
        "AWS::DocDB::DBCluster",
        "AWS::DocDBElastic::Cluster",
        "AWS::DynamoDB::GlobalTable",
        "AWS::DynamoDB::Table",
        "AWS::ECR::PublicRepository",
        "AWS::ECR::Repository",
        "AWS::EFS::FileSystem",
        "AWS::ElastiCache::CacheCluster",
        "AWS::ElastiCache::ReplicationGroup",
        "AWS::ElastiCache::ServerlessCache",
        "AWS::Elasticsearch::Domain",
        "AWS::FSx::FileSystem",
        "AWS::FSx::Volume",
        "AWS::HealthLake::FHIRDatastore",
        "AWS::KMS::Key",
        "AWS::KMS::ReplicaKey",
        "AWS::Kinesis::Stream",
        "AWS::Lex::Bot",
        "AWS::Lightsail::Database",
        "AWS::Lightsail::Disk",
        "AWS::Logs::LogGroup",
        "AWS::MSK::Cluster",
        "AWS::MSK::ServerlessCluster",
        "AWS::MemoryDB::Cluster",
        "AWS::Neptune::DBCluster",
        "AWS::NeptuneGraph::Graph",
        "AWS::OpenSearchServerless::Collection",
        "AWS::OpenSearchService::Domain",
        "AWS::QLDB::Ledger",
        "AWS::RDS::DBCluster",
        "AWS::RDS::DBInstance",
        "AWS::RDS::GlobalCluster",
        "AWS::Redshift::Cluster",
        "AWS::RedshiftServerless::Namespace",
        "AWS::S3::Bucket",
        "AWS::S3Express::DirectoryBucket",
        "AWS::S3Tables::TableBucket",
        "AWS::SDB::Domain",
        "AWS::SQS::Queue",
        "AWS::SecretsManager::Secret",
        "AWS::Timestream::Database",
        "AWS::Timestream::InfluxDBInstance",
        "AWS::Timestream::Table",
    }
)
"""Types that hold data of their owner: objects, records, messages, users, keys. KMS keys are among them because what
was encrypted under the old key cannot be read with a new one."""


def comes_up_empty(template: Template, facts: Facts | None = None) -> tuple[tuple[str, str], ...]:
    """(logical id, type) of every stateful resource that the stack will have and that will hold nothing."""
    evaluator = Evaluator(template, facts or Facts())
    return tuple(
        (logical_id, str(resource["Type"]))
        for logical_id, resource in template.of_type(*STATEFUL).items()
        if evaluator.present(logical_id)
    )
