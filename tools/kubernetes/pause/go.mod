module kafka-gateway/tools/pause

go 1.24
