import { describe, expect, it } from "vitest";
import { isTimeBound, TIME_BOUND_CHARS_MAX } from "./time-bound.ts";

const BOUND = `
What is the weather today?
What's the weather like in Paris?
weather in London
Berlin weather
Will it rain tomorrow in Seattle?
Is it raining in London?
What is the temperature outside?
What's the latest version of Node.js?
latest version of node
What is the latest version of Python?
Which version of React is the latest version?
What is the newest stable release of PostgreSQL?
What is the current LTS version of Ubuntu?
Who is the current CEO of Twitter?
Who is the CEO of OpenAI?
Who is the president of France?
who's the prime minister of the UK
Who is the richest person in the world?
Who is the current world chess champion?
What is the current population of India?
Stock price of Apple
What is the price of Bitcoin?
How much is gold?
How much is a barrel of oil worth?
How did the S&P 500 perform today?
Tesla stock price
price of Tesla stock
gas prices in California
What is the exchange rate between the euro and the dollar?
100 USD to EUR
Convert 5 dollars in euros
What are current mortgage rates?
latest news
What's the latest news about the election?
Give me today's headlines
Summarize today's news about AI
What are the top headlines?
Any news on the strike?
What time is it?
What time is it in Tokyo?
What is the date?
What day is it today?
What's today's date?
What year is it?
How many days until Christmas?
When is the next full moon?
When is the next train to Boston?
Who won the game last night?
Who is winning the match?
What's the score of the Lakers game?
Is GitHub down?
Is the stock market open?
Who is currently leading the Premier League?
How many people are currently in space?
What movies are playing this weekend?
Which stores are open right now?
What happened yesterday in parliament?
What are the best phones this year?
What’s happening in the world?
What is the current status of the Artemis mission?
Wie ist das Wetter heute?
Wie spät ist es?
Wer ist der aktuelle Bundeskanzler und seit wann?
Was ist die neueste Version von Node?
Wie hoch ist der Goldpreis?
Quel temps fait-il à Paris ?
Quelle heure est-il ?
Quelle est la dernière version de Python ?
Qui est le président actuel du Brésil ?
¿Qué tiempo hace hoy?
¿Cuál es el precio del bitcoin?
¿Quién es el presidente actual de Chile?
Qual é a cotação do dólar?
Quem é o presidente atual do Brasil?
Che ore sono?
Che tempo fa oggi a Roma?
Hoe laat is het?
Wat is de nieuwste versie van Java?
今天天气怎么样？
現在の首相は誰ですか
오늘 날씨 어때?
Какая сегодня погода?
`
  .trim()
  .split("\n");

const LASTING = `
What is the capital of France?
What is 2+2?
Answer using only the context below. Context: The president said today that prices rose. Question: who said it?
A man is looking down.
La date actuelle en Python
A good name for a cat
What is currently the definition of a planet?
What is the current in amperes through a 10 ohm resistor at 5 volts?
What is the difference between current and voltage?
How to get the current time in Python
How do I get the current date in SQL?
How can I get the latest version of a file in git?
today's date function
Excel formula for today's date
JavaScript function that returns the current time
Write a regex for the current year
What is a stock price?
What is a stock split?
How is the price of gold determined?
How does the stock market work?
What is the definition of weather?
What is the difference between weather and climate?
What is a weather front?
What is the weather vane for?
What is the weather like in Iceland in July?
Translate "What is the weather today?" to French
Translate to German: see you tomorrow
Rewrite this sentence: The news today is bad.
What does "right now" mean?
What is the meaning of tonight?
Who was the first president of the United States?
Who was the CEO of Apple in 1990?
Who is the youngest president in US history?
Who won the World Cup in 2018?
Who wrote Hamlet?
What was the price of gold in 1980?
What was the population of Rome in 1900?
Explain current events as a school subject
Write a poem about today's weather
Write a story about a king
Why do people use email today?
How did people live before today's world?
Version control with git
What is version control?
Explain the latest common ancestor algorithm
What is the time complexity of quicksort?
What is a time series?
What time signature is a waltz in?
What is the day of the dead?
What is the date format of ISO 8601?
What is the score of music called?
How are exchange rates determined?
What affects the exchange rate?
What is an interest rate?
How do I convert dollars to euros in JavaScript?
What causes ocean currents?
What is direct current?
What is alternating current used for?
What is the current ratio of a company?
What is a news anchor?
What makes fake stories spread?
How do you open a bank account?
What is the chancellor of a university?
How is the president of the United States elected?
Which chess piece is the king?
What is the role of a CEO?
How long is a day on Mars?
How many days are in a leap year?
What is the boiling temperature of water?
How do I show the latest commit?
Describe the water cycle.
Summarize the plot of Macbeth.
Define yesterday.
What is the plural of today?
Who sang Yesterday by the Beatles in 1965?
Wie funktioniert das Wetter?
Übersetze: Wie ist das Wetter heute?
Was ist die Hauptstadt von Frankreich?
Wie kann ich in Python das aktuelle Datum ausgeben?
Comment obtenir la date actuelle en JavaScript ?
Quelle est la capitale de la France ?
Traduis : quelle heure est-il
¿Cómo puedo obtener la fecha actual en SQL?
¿Cuál es la capital de Francia?
Qual é a capital do Brasil?
Come funziona il meteo?
Wat is de hoofdstad van Nederland?
如何用 Python 获取现在的时间
水是什么
`
  .trim()
  .split("\n");

describe("a prompt whose answer soon changes", () => {
  it.each(BOUND)("is %s", (prompt) => {
    expect(isTimeBound(prompt)).toBe(true);
  });

  it("is the same whatever its letters, spaces and quotation marks", () => {
    for (const prompt of ["WHAT IS  THE\nWEATHER TODAY", "  what’s the weather today ", "Ｗｈａｔ ｔｉｍｅ ｉｓ ｉｔ"])
      expect(isTimeBound(prompt)).toBe(true);
  });
});

describe("a prompt about a subject that stays", () => {
  it.each(LASTING)("is %s", (prompt) => {
    expect(isTimeBound(prompt)).toBe(false);
  });

  it("is one that brings a long text", () => {
    expect(isTimeBound(`What is the weather today? ${"a".repeat(TIME_BOUND_CHARS_MAX)}`)).toBe(false);
  });
});
