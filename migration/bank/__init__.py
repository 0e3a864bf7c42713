"""The custody bank: layouts, codec, requests, results and transport. The only room that knows a width or a code."""
