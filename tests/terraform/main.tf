# SPDX-License-Identifier: Apache-2.0
# What tests/terraform/run creates, changes (var.v) and destroys.
terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

variable "v" { default = 1 }
variable "api" {}
variable "files" {}

provider "aws" {
  region      = "us-east-1"
  max_retries = 2
  default_tags { tags = { Version = "v${var.v}" } }
  endpoints {
    ec2    = var.api
    iam    = var.api
    lambda = var.api
    logs   = var.api
    rds    = var.api
    sts    = var.api
  }
}

data "aws_caller_identity" "me" {}
data "aws_regions" "all" {}
data "aws_availability_zones" "here" { state = "available" }
data "aws_rds_orderable_db_instance" "small" {
  engine                     = "mysql"
  preferred_instance_classes = ["db.m5d.large", "db.r6gd.large"]
}

# The network.

resource "aws_vpc" "private" {
  cidr_block           = "10.9.0.0/16"
  enable_dns_hostnames = true
}

resource "aws_subnet" "zone" {
  count                   = 3
  vpc_id                  = aws_vpc.private.id
  cidr_block              = "10.9.${count.index}.0/24"
  availability_zone       = data.aws_availability_zones.here.names[count.index]
  map_public_ip_on_launch = var.v > 1
}

resource "aws_internet_gateway" "out" { vpc_id = aws_vpc.private.id }

resource "aws_route_table" "out" {
  vpc_id = aws_vpc.private.id
  route {
    cidr_block = "0.0.0.0/0"
    gateway_id = aws_internet_gateway.out.id
  }
}

resource "aws_route_table_association" "out" {
  count          = 3
  subnet_id      = aws_subnet.zone[count.index].id
  route_table_id = aws_route_table.out.id
}

resource "aws_security_group" "functions" {
  name   = "functions"
  vpc_id = aws_vpc.private.id
  egress {
    from_port   = 0
    to_port     = 0
    protocol    = "-1"
    cidr_blocks = ["0.0.0.0/0"]
  }
}

resource "aws_security_group" "databases" {
  name   = "databases"
  vpc_id = aws_vpc.private.id
}

resource "aws_vpc_security_group_ingress_rule" "from_functions" {
  security_group_id            = aws_security_group.databases.id
  referenced_security_group_id = aws_security_group.functions.id
  ip_protocol                  = "tcp"
  from_port                    = 3306
  to_port                      = 3306
  description                  = "from functions, ${var.v}"
}

resource "aws_security_group_rule" "from_the_vpc" {
  type              = "ingress"
  security_group_id = aws_security_group.databases.id
  protocol          = "tcp"
  from_port         = 3306
  to_port           = 3306
  cidr_blocks       = ["10.9.0.0/16"]
  description       = "from the VPC, ${var.v}"
}

resource "aws_vpc_endpoint" "rds" {
  vpc_id             = aws_vpc.private.id
  service_name       = "com.amazonaws.us-east-1.rds"
  vpc_endpoint_type  = "Interface"
  subnet_ids         = [aws_subnet.zone[0].id]
  security_group_ids = [aws_security_group.functions.id]
}

# The cluster.

resource "aws_db_subnet_group" "private" {
  name        = "private"
  subnet_ids  = aws_subnet.zone[*].id
  description = "version ${var.v}"
}

resource "aws_rds_cluster" "demo" {
  cluster_identifier                  = "demo"
  engine                              = "mysql"
  db_cluster_instance_class           = "db.m5d.large"
  storage_type                        = "gp3"
  allocated_storage                   = 20
  master_username                     = "admin"
  master_password                     = "password${var.v}"
  db_subnet_group_name                = aws_db_subnet_group.private.name
  vpc_security_group_ids              = [aws_security_group.databases.id]
  iam_database_authentication_enabled = true
  backup_retention_period             = 1 + var.v
  deletion_protection                 = var.v == 2
  skip_final_snapshot                 = true
  apply_immediately                   = true
  lifecycle { ignore_changes = [iops] }
}

# Who may do what.

resource "aws_iam_role" "function" {
  name = "function"
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Principal = { Service = "lambda.amazonaws.com" }, Action = "sts:AssumeRole" }]
  })
}

resource "aws_iam_role_policy_attachment" "vpc" {
  role       = aws_iam_role.function.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole"
}

resource "aws_iam_role_policy" "connect" {
  name = "connect"
  role = aws_iam_role.function.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = "rds-db:connect"
      Resource = "arn:aws:rds-db:us-east-1:${data.aws_caller_identity.me.account_id}:dbuser:${aws_rds_cluster.demo.cluster_resource_id}/app"
    }]
  })
}

resource "aws_iam_policy" "look" {
  name = "look"
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Sid = "V${var.v}", Effect = "Allow", Action = "rds:Describe*", Resource = "*" }]
  })
}

resource "aws_iam_user" "ana" {
  name          = "ana"
  force_destroy = true
}

resource "aws_iam_access_key" "ana" { user = aws_iam_user.ana.name }

resource "aws_iam_user_policy_attachment" "ana" {
  user       = aws_iam_user.ana.name
  policy_arn = aws_iam_policy.look.arn
}

resource "aws_iam_group" "team" { name = "team" }

resource "aws_iam_user_group_membership" "ana" {
  user   = aws_iam_user.ana.name
  groups = [aws_iam_group.team.name]
}

resource "aws_iam_instance_profile" "web" {
  name = "web"
  role = aws_iam_role.function.name
}

resource "aws_iam_service_linked_role" "rds" { aws_service_name = "rds.amazonaws.com" }

# The function.

resource "aws_cloudwatch_log_group" "function" {
  name              = "/aws/lambda/function"
  retention_in_days = var.v == 1 ? 7 : 14
}

resource "aws_lambda_layer_version" "words" {
  layer_name          = "words"
  filename            = "${var.files}/layer.zip"
  compatible_runtimes = ["python3.13"]
}

resource "aws_lambda_function" "function" {
  function_name = "function"
  role          = aws_iam_role.function.arn
  handler       = "function.handler"
  runtime       = "python3.13"
  filename      = "${var.files}/function.zip"
  timeout       = 5 + var.v
  publish       = true
  layers        = [aws_lambda_layer_version.words.arn]
  environment { variables = { VERSION = tostring(var.v) } }
  vpc_config {
    subnet_ids         = aws_subnet.zone[*].id
    security_group_ids = [aws_security_group.functions.id]
  }
  depends_on = [aws_iam_role_policy_attachment.vpc, aws_cloudwatch_log_group.function]
}

resource "aws_lambda_alias" "live" {
  name             = "live"
  function_name    = aws_lambda_function.function.function_name
  function_version = aws_lambda_function.function.version
}

resource "aws_lambda_permission" "events" {
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.function.function_name
  principal     = "events.amazonaws.com"
}

resource "aws_lambda_function_event_invoke_config" "retries" {
  function_name          = aws_lambda_function.function.function_name
  maximum_retry_attempts = var.v - 1
}

resource "aws_lambda_invocation" "once" {
  function_name = aws_lambda_function.function.function_name
  input         = jsonencode({})
  triggers      = { version = var.v }
}

output "said" { value = aws_lambda_invocation.once.result }
