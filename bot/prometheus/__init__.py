"""What the bot asks Prometheus, and servers that speak its API, such as VictoriaMetrics.

`server.py` asks and is the one door to the library, `exchange.py` carries the question
within one deadline and one size, `questions.py` asks all rules in a round, `answer.py` makes typed values of what came back.
"""
