"""Default prompts of LangChain and LlamaIndex, sent by their own clients to the provider in this process."""

import functools

from asked import (
    CALLS,
    FELT,
    ORDERS,
    QA,
    SHOTS,
    SORTED,
    TOPICS,
    Order,
    answered,
    asks,
    called,
    extracted,
    found_out,
    get_order,
    get_weather,
    labelled,
)
from course_utils import provider, run

# ----------------------------------------------------------------------------------------------------- LangChain
UNKNOWN = "If you don't know the answer, just say that you don't know"
STUFF = (
    "Use the following pieces of retrieved context to answer the question. If you don't know the answer, say that you "
    "don't know. Use three sentences maximum and keep the answer concise."
)
CHAT_QA = "Use the following pieces of context to answer the user's question. \n" + UNKNOWN + ".\n----------------\n"
RETRIEVAL_QA = (
    f"Use the following pieces of context to answer the question at the end. {UNKNOWN}, don't try to make up an answer."
    "\n\n{context}\n\nQuestion: {question}\nHelpful Answer:"
)
RAG_HUB = (
    "You are an assistant for question-answering tasks. Use the following pieces of retrieved context to answer the "
    f"question. {UNKNOWN}. Use three sentences maximum and keep the answer concise."
    "\nQuestion: {question} \nContext: {context} \nAnswer:"
)


@functools.cache
def langchain():
    from course_utils import chat_model

    return chat_model("small")


def _template(*messages):
    from langchain_core.prompts import ChatPromptTemplate

    return ChatPromptTemplate.from_messages(messages) | langchain()


@asks("create_stuff_documents_chain", QA, "grounded", answered)
def langchain_stuff(m):
    prompt = _template(("system", STUFF + "\n\n{context}"), ("human", "{input}"))
    return run(prompt.ainvoke({"context": "\n\n".join(m[0]), "input": m[1]})).content


@asks("chat prompt of RetrievalQA", QA[:2], "grounded", answered)
def langchain_chat_qa(m):
    prompt = _template(("system", CHAT_QA + "{context}"), ("human", "{question}"))
    return run(prompt.ainvoke({"context": "\n\n".join(m[0]), "question": m[1]})).content


@asks("RetrievalQA", QA, "grounded", answered)
def langchain_retrieval_qa(m):
    return run(_template(("human", RETRIEVAL_QA)).ainvoke({"context": "\n\n".join(m[0]), "question": m[1]})).content


@asks("the hub's rag-prompt", QA[:2], "grounded", answered)
def langchain_hub(m):
    return run(_template(("human", RAG_HUB)).ainvoke({"context": "\n\n".join(m[0]), "question": m[1]})).content


@asks("with_structured_output", ORDERS, "extraction", extracted)
def langchain_structured(m):
    return run(langchain().with_structured_output(Order).ainvoke(m[0]))


@asks("with_structured_output, function calling", ORDERS, "extraction", extracted)
def langchain_function_calling(m):
    return run(langchain().with_structured_output(Order, method="function_calling").ainvoke(m[0]))


@asks("PydanticOutputParser", ORDERS, "extraction", extracted)
def langchain_parser(m):
    from langchain_core.output_parsers import PydanticOutputParser

    parser = PydanticOutputParser(pydantic_object=Order)
    prompt = _template(("system", "Read the customer's mail.\n{format}"), ("human", "{query}"))
    return run((prompt | parser).ainvoke({"format": parser.get_format_instructions(), "query": m[0]}))


@asks("bind_tools", CALLS, "tools", called)
def langchain_tools(m):
    call = run(langchain().bind_tools([get_order, get_weather]).ainvoke(m[0])).tool_calls[0]
    return call["name"], call["args"]


@asks("create_agent", CALLS, ["tools", "result"], found_out)
def langchain_agent(m):
    from langchain.agents import create_agent

    agent = create_agent(langchain(), [get_order, get_weather], system_prompt="You are a helpful assistant.")
    return run(agent.ainvoke({"messages": [("user", m[0])]}))["messages"][-1].content


@asks("FewShotPromptTemplate", FELT, "classification", labelled)
def langchain_few_shot(m):
    from langchain_core.prompts import FewShotPromptTemplate, PromptTemplate

    one = PromptTemplate.from_template("Input: {input}\nOutput: {output}")
    shots = [{"input": text, "output": label} for text, label in SHOTS]
    template = FewShotPromptTemplate(
        examples=shots, example_prompt=one, suffix="Input: {text}\nOutput:", input_variables=["text"]
    )
    return run((template | langchain()).ainvoke({"text": m[0]})).content


@asks("FewShotChatMessagePromptTemplate", FELT, "classification", labelled)
def langchain_few_shot_chat(m):
    from langchain_core.prompts import ChatPromptTemplate, FewShotChatMessagePromptTemplate

    one = ChatPromptTemplate.from_messages([("human", "{input}"), ("ai", "{output}")])
    shots = [{"input": text, "output": label} for text, label in SHOTS]
    shown = FewShotChatMessagePromptTemplate(examples=shots, example_prompt=one)
    return run(
        _template(("system", "What is the sentiment?"), shown, ("human", "{text}")).ainvoke({"text": m[0]})
    ).content


# ---------------------------------------------------------------------------------------------------- LlamaIndex
@functools.cache
def llama():
    from llama_index.llms.openai_like import OpenAILike

    options = provider.client_options()
    kinds = {"is_chat_model": True, "is_function_calling_model": True, "context_window": 8000}
    clients = {"http_client": options["http_client"], "async_http_client": options["http_async_client"]}
    return OpenAILike("small", api_base=options["base_url"], api_key="x", max_retries=0, **kinds, **clients)


def _synthesised(mode, m):
    from llama_index.core import get_response_synthesizer
    from llama_index.core.schema import NodeWithScore, TextNode

    nodes = [NodeWithScore(node=TextNode(text=text), score=1.0) for text in m[0]]
    return str(run(get_response_synthesizer(llm=llama(), response_mode=mode).asynthesize(m[1], nodes)))


@asks("text QA template", QA, "grounded", answered)
def llamaindex_compact(m):
    return _synthesised("compact", m)


@asks("refine template", QA[:2], ["grounded", "grounded"], answered)
def llamaindex_refine(m):
    return _synthesised("refine", m)


@asks("tree summarise template", QA[2:], "grounded", answered)
def llamaindex_tree(m):
    return _synthesised("tree_summarize", m)


@asks("citation template", QA[:2], "grounded", lambda reply, m: m[2] in reply and "[1]" in reply)
def llamaindex_citation(m):
    from llama_index.core.query_engine.citation_query_engine import CITATION_QA_TEMPLATE

    sources = "\n\n".join(f"Source {i}:\n{text}" for i, text in enumerate(m[0], 1))
    return str(run(llama().apredict(CITATION_QA_TEMPLATE, context_str=sources, query_str=m[1])))


@asks("as_structured_llm", ORDERS, "extraction", extracted)
def llamaindex_structured(m):
    return run(llama().as_structured_llm(Order).acomplete(m[0])).raw


@asks("LLMTextCompletionProgram", ORDERS, "extraction", extracted)
def llamaindex_program(m):
    from llama_index.core.program import LLMTextCompletionProgram

    program = LLMTextCompletionProgram.from_defaults(
        output_cls=Order, prompt_template_str="Extract the order: {text}", llm=llama()
    )
    return run(program.acall(text=m[0]))


@asks("FunctionAgent", CALLS, ["tools", "result"], found_out)
def llamaindex_agent(m):
    from llama_index.core.agent.workflow import FunctionAgent

    async def main():
        return await FunctionAgent(tools=[get_order, get_weather], llm=llama()).run(m[0])

    return str(run(main()))


@asks("PydanticSingleSelector", SORTED, "extraction", lambda reply, m: reply == TOPICS.index(m[1]))
def llamaindex_selector(m):
    from llama_index.core.selectors import PydanticSingleSelector
    from llama_index.core.tools import ToolMetadata

    choices = [ToolMetadata(name=t, description=f"questions about {t}") for t in TOPICS]
    return run(PydanticSingleSelector.from_defaults(llm=llama()).aselect(choices, m[0])).ind
