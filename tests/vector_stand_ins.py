"""Stand-ins for Pinecone and Weaviate: just enough of their protocols, over loopback, for their genuine clients."""

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route


def squared(a, b) -> float:
    return float(((np.asarray(a, np.float32) - np.asarray(b, np.float32)) ** 2).sum())


@contextlib.contextmanager
def serving(app):
    """The app's address, http://127.0.0.1:port, until the end."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    started = threading.Event()
    while not server.started:
        if not thread.is_alive():
            raise RuntimeError("the stand-in did not start")
        started.wait(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


class PineconeStandIn:
    """The data plane of an index: upsert, query with equality filters, fetch, delete, statistics, by namespace."""

    def __init__(self):
        self.namespaces: dict[str, dict[str, dict]] = {}
        self.keys = []
        paths = [
            ("/vectors/upsert", self.upsert, "POST"),
            ("/query", self.query, "POST"),
            ("/vectors/fetch", self.fetch, "GET"),
            ("/vectors/delete", self.delete, "POST"),
            ("/describe_index_stats", self.stats, "POST"),
        ]
        self.app = Starlette(routes=[Route(path, handler, methods=[method]) for path, handler, method in paths])

    async def _body(self, request):
        self.keys.append(request.headers.get("api-key"))
        return await request.json()

    def _of(self, name):
        return self.namespaces.setdefault(name or "", {})

    async def upsert(self, request):
        body = await self._body(request)
        self._of(body.get("namespace")).update({v["id"]: v for v in body["vectors"]})
        return JSONResponse({"upsertedCount": len(body["vectors"])})

    async def query(self, request):
        body = await self._body(request)
        wanted = body.get("filter") or {}
        fits = [
            v
            for v in self._of(body.get("namespace")).values()
            if all(v.get("metadata", {}).get(field) == test["$eq"] for field, test in wanted.items())
        ]
        scored = sorted((squared(v["values"], body["vector"]), v["id"], v) for v in fits)[: body["topK"]]
        matches = [{"id": id, "score": score, "metadata": v.get("metadata")} for score, id, v in scored]
        return JSONResponse({"matches": matches, "namespace": body.get("namespace", "")})

    async def fetch(self, request):
        there = self._of(request.query_params.get("namespace"))
        found = {id: there[id] for id in request.query_params.getlist("ids") if id in there}
        return JSONResponse({"vectors": found, "namespace": request.query_params.get("namespace", "")})

    async def delete(self, request):
        body = await self._body(request)
        for id in body.get("ids", []):
            self._of(body.get("namespace")).pop(id, None)
        return JSONResponse({})

    async def stats(self, request):
        await self._body(request)
        counts = {name: {"vectorCount": len(rows)} for name, rows in self.namespaces.items() if rows}
        total = sum(row["vectorCount"] for row in counts.values())
        return JSONResponse({"namespaces": counts, "dimension": 384, "indexFullness": 0, "totalVectorCount": total})


class WeaviateStandIn:
    """A server with collections (REST) and objects (gRPC): insert, near vector, fetch, delete by filter, count."""

    def __init__(self):
        self.schema, self.objects = {}, {}
        self.app = Starlette(
            routes=[
                Route("/v1/meta", self.meta),
                Route("/v1/.well-known/openid-configuration", lambda request: Response(status_code=404)),
                Route("/v1/schema/{name}", self.one),
                Route("/v1/schema", self.create, methods=["POST"]),
            ]
        )

    async def meta(self, request):
        return JSONResponse({"version": "1.32.0", "grpcMaxMessageSize": 104858000, "hostname": "", "modules": {}})

    async def one(self, request):
        name = request.path_params["name"]
        return JSONResponse(self.schema[name]) if name in self.schema else Response(status_code=404)

    async def create(self, request):
        body = await request.json()
        self.schema[body["class"]] = body
        return JSONResponse(body)

    @contextlib.contextmanager
    def answering(self):
        """The port of the gRPC half."""
        import grpc
        from weaviate.proto.v1 import weaviate_pb2_grpc

        server = grpc.server(ThreadPoolExecutor(4))
        weaviate_pb2_grpc.add_WeaviateServicer_to_server(self._servicer(weaviate_pb2_grpc.WeaviateServicer), server)
        server.add_generic_rpc_handlers([self._health()])
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        yield port
        server.stop(0).wait()

    def _health(self):
        import grpc
        from weaviate.proto.v1 import health_weaviate_pb2 as health

        serving_now = health.WeaviateHealthCheckResponse(status=health.WeaviateHealthCheckResponse.SERVING)
        check = grpc.unary_unary_rpc_method_handler(
            lambda request, context: serving_now,
            request_deserializer=health.WeaviateHealthCheckRequest.FromString,
            response_serializer=health.WeaviateHealthCheckResponse.SerializeToString,
        )
        return grpc.method_handlers_generic_handler("grpc.health.v1.Health", {"Check": check})

    def _servicer(stand_in, base):
        from weaviate.proto.v1 import aggregate_pb2, batch_delete_pb2, batch_pb2, properties_pb2, search_get_pb2

        def result(uuid, row, distance):
            fields = {name: properties_pb2.Value(text_value=text) for name, text in row["properties"].items()}
            properties = search_get_pb2.PropertiesResult(non_ref_props=properties_pb2.Properties(fields=fields))
            metadata = search_get_pb2.MetadataResult(
                id=uuid, distance=distance or 0, distance_present=distance is not None
            )
            return search_get_pb2.SearchResult(properties=properties, metadata=metadata)

        class Servicer(base):
            def BatchObjects(self, request, context):
                for one in request.objects:
                    fields = one.properties.non_ref_properties.fields
                    raw = one.vector_bytes or one.vectors[0].vector_bytes
                    stand_in.objects[one.uuid] = {
                        "properties": {name: value.string_value for name, value in fields.items()},
                        "vector": np.frombuffer(raw, "<f4"),
                    }
                return batch_pb2.BatchObjectsReply()

            def Search(self, request, context):
                fits = [(u, row) for u, row in stand_in.objects.items() if _fits(request.filters, u, row)]
                if not request.HasField("near_vector"):
                    return search_get_pb2.SearchReply(
                        results=[result(u, row, None) for u, row in fits[: request.limit]]
                    )
                near = request.near_vector
                query = np.frombuffer(near.vector_bytes or near.vectors[0].vector_bytes, "<f4")
                scored = sorted((squared(row["vector"], query), u) for u, row in fits)[: request.limit]
                found = [result(u, stand_in.objects[u], distance) for distance, u in scored]
                return search_get_pb2.SearchReply(results=found)

            def BatchDelete(self, request, context):
                gone = [u for u, row in stand_in.objects.items() if _fits(request.filters, u, row)]
                for uuid in gone:
                    del stand_in.objects[uuid]
                return batch_delete_pb2.BatchDeleteReply(matches=len(gone), successful=len(gone))

            def Aggregate(self, request, context):
                counted = aggregate_pb2.AggregateReply.Single(objects_count=len(stand_in.objects))
                return aggregate_pb2.AggregateReply(single_result=counted)

        return Servicer()


def _fits(filters, uuid, row) -> bool:
    from weaviate.proto.v1 import base_pb2

    if filters.operator == base_pb2.Filters.OPERATOR_UNSPECIFIED:
        return True
    if filters.operator == base_pb2.Filters.OPERATOR_AND:
        return all(_fits(one, uuid, row) for one in filters.filters)
    name = filters.target.property
    value = uuid if name == "_id" else row["properties"].get(name)
    if filters.operator == base_pb2.Filters.OPERATOR_CONTAINS_ANY:
        return value in filters.value_text_array.values
    assert filters.operator == base_pb2.Filters.OPERATOR_EQUAL, filters
    return value == filters.value_text
